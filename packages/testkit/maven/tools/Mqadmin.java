import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.rocketmq.srvutil.ServerUtil;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.command.SubCommand;

/**
 * RocketMQ's own commands, many in one JVM: a line "number TAB command TAB argument ..." on standard input is answered
 * by "number TAB output TAB failure", both in base64, when the command has ended. Several run at once, since each waits
 * for seconds until its threads have ended. "number TAB flags TAB command" is answered by the flags of the command, one a
 * line: short name, long name, whether it takes a value.
 */
public class Mqadmin {
    /** A client is named by the millisecond it was made in: two of one name would be one. */
    private static final long BETWEEN_STARTS_MS = 25;

    private static final ThreadLocal<ByteArrayOutputStream> OUTPUT = new ThreadLocal<>();

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        System.setOut(new PrintStream(new OutputOfThread(), true, "UTF-8"));
        ExecutorService workers = Executors.newFixedThreadPool(6);
        BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            String[] words = line.split("\t", -1);
            boolean asksForFlags = words[1].equals("flags");
            SubCommand command = Commands.fresh(words[asksForFlags ? 2 : 1]);
            workers.execute(() -> {
                OUTPUT.set(new ByteArrayOutputStream());
                String failure = asksForFlags
                    ? printFlags(command)
                    : run(command, Arrays.copyOfRange(words, 2, words.length));
                String answer = words[0] + "\t" + base64(OUTPUT.get().toByteArray())
                    + "\t" + base64(failure.getBytes(StandardCharsets.UTF_8));
                synchronized (answers) {
                    answers.println(answer);
                    answers.flush();
                }
            });
        }
        System.exit(0);
    }

    private static String printFlags(SubCommand command) {
        Options options = command.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
        for (Option option : options.getOptions())
            System.out.println(option.getOpt() + " " + option.getLongOpt().trim() + " " + option.hasArg());
        return "";
    }

    /** Empty when the command went well. */
    private static String run(SubCommand command, String[] args) {
        try {
            Options options = command.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
            CommandLine given = new DefaultParser().parse(options, args);
            synchronized (Mqadmin.class) {
                Thread.sleep(BETWEEN_STARTS_MS);
            }
            command.execute(given, options, null);
            return "";
        } catch (Throwable failure) {
            return String.valueOf(failure.getCause() == null ? failure : failure.getCause());
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** Commands keep clients that they have closed: each call takes one of its own. */
    private static class Commands extends MQAdminStartup {
        static SubCommand fresh(String name) {
            List<SubCommand> all = SUB_COMMANDS;
            all.clear();
            initCommand();
            return all.stream().filter(command -> command.commandName().equals(name)).findFirst().get();
        }
    }

    /** What a command prints, apart from what others print meanwhile. */
    private static class OutputOfThread extends OutputStream {
        @Override
        public void write(int value) {
            ByteArrayOutputStream output = OUTPUT.get();
            if (output != null) output.write(value);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            ByteArrayOutputStream output = OUTPUT.get();
            if (output != null) output.write(bytes, from, length);
        }
    }
}
