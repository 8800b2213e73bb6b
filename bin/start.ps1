# Starts the server from this copy of the project, on Windows:
#
#   bin\start.cmd [flags of dt serve]
#   powershell -ExecutionPolicy Bypass -File bin\start.ps1 [flags of dt serve]
#
# Installs and builds what is missing or out of date, then runs `dt serve`; Ctrl-C stops it.
# Runs in the folder of the project, wherever it is called from: paths in flags are relative to that folder.
# Configuration: --config, else $env:CONFIG_FILE, else config/windows.json.
$ErrorActionPreference = 'Stop'

function Stop-Start([string] $Why) {
  [Console]::Error.WriteLine("start.ps1: $Why")
  exit 2
}

Push-Location (Split-Path -Parent $PSScriptRoot)
try {
  if (-not (Get-Command node -ErrorAction SilentlyContinue)) {
    Stop-Start 'Node is not installed; 20.19 or newer is needed: https://nodejs.org'
  }
  $found = [version] ((node --version).TrimStart('v') -replace '-.*$', '')
  if ($found -lt [version] '20.19.0') {
    Stop-Start "Node 20.19 or newer is needed, this is $found"
  }

  # npm writes this file at the end of an install.
  $installed = 'node_modules\.package-lock.json'
  if (-not (Test-Path $installed) -or
      (Get-Item package-lock.json).LastWriteTimeUtc -gt (Get-Item -Force $installed).LastWriteTimeUtc) {
    npm.cmd ci --no-audit --no-fund
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
  } elseif (Test-Path 'node_modules\typescript\package.json') {
    npm.cmd run build --silent
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
  }

  if (-not $env:CONFIG_FILE) { $env:CONFIG_FILE = 'config/windows.json' }
  node apps/server/bin/dt.js serve @args
  exit $LASTEXITCODE
} finally {
  Pop-Location
}
