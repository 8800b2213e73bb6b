@echo off
rem Runs start.ps1 where scripts of PowerShell are not allowed by themselves.
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0start.ps1" %*
exit /b %ERRORLEVEL%
