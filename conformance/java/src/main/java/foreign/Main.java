package foreign;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.rocketmq.common.message.MessageClientIDSetter;

/**
 * Java's client, told by lines of JSON on standard input: {"id": 1, "do": "send", ...}. Each is answered by a line
 * {"id": 1, "result": ...} or {"id": 1, "error": "..."} when it is done, many at a time. What happens by itself, as a
 * message that comes, is a line {"of": "name of the part", "event": ...}. It ends when its standard input does.
 */
public final class Main {
    private final Map<String, Part> parts = new ConcurrentHashMap<>();
    private final PrintStream lines;

    private Main(PrintStream lines) {
        this.lines = lines;
    }

    public static void main(String[] args) throws Exception {
        PrintStream lines = new PrintStream(System.out, false, "UTF-8");
        // What libraries print is no answer.
        System.setOut(System.err);
        Main main = new Main(lines);
        ExecutorService workers = Executors.newCachedThreadPool();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JSONObject call = JSON.parseObject(line);
            workers.execute(() -> main.answer(call));
        }
        Runtime.getRuntime().halt(0);
    }

    private void answer(JSONObject call) {
        JSONObject answer = new JSONObject();
        answer.put("id", call.get("id"));
        try {
            answer.put("result", done(call));
        } catch (Throwable error) {
            answer.put("error", withCauses(error));
        }
        write(answer);
    }

    /** What a broker has said is often the cause of the cause. */
    private static String withCauses(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            text.append("; because of ").append(cause);
        }
        return text.toString();
    }

    private Object done(JSONObject call) throws Exception {
        String name = call.getString("part");
        String what = call.getString("do");
        switch (what) {
            case "ready": return true;
            case "timeOfId": return MessageClientIDSetter.getNearlyTimeFromID(call.getString("messageId")).getTime();
            case "producer": return opened(name, new ProducerPart(call, events(name)));
            case "consumer": return opened(name, new ConsumerPart(call, events(name)));
            case "pullConsumer": return opened(name, new PullConsumerPart(call));
            case "close":
                Part closed = parts.remove(name);
                if (closed != null) closed.close();
                return true;
            default:
                Part part = parts.get(name);
                if (part == null) throw new IllegalArgumentException("no part " + name);
                return part.done(what, call);
        }
    }

    /** A part that does not start has to be closed, too. */
    private boolean opened(String name, Part part) throws Exception {
        parts.put(name, part);
        part.start();
        return true;
    }

    private Part.Events events(String part) {
        return event -> {
            event.put("of", part);
            write(event);
        };
    }

    private void write(JSONObject line) {
        synchronized (lines) {
            lines.println(line.toJSONString());
            lines.flush();
        }
    }
}
