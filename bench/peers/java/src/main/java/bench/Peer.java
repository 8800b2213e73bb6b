package bench;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/** The Java client as a peer: the same argument, works and answer as those in Node (lib/harness.mjs). */
public final class Peer {
    private static final OperatingSystemMXBean OS =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final JSONObject spec;

    private Peer(JSONObject spec) {
        this.spec = spec;
    }

    public static void main(String[] args) throws Exception {
        JSONObject spec = JSON.parseObject(args[0]);
        Peer peer = new Peer(spec);
        JSONObject figures;
        switch (spec.getString("work")) {
            case "single": figures = peer.single(); break;
            case "batch": figures = peer.batch(); break;
            case "consume": figures = peer.consume(); break;
            default: throw new IllegalArgumentException("this client has nothing for " + spec.getString("work"));
        }
        figures.put("rssBytes", peakRssBytes());
        System.out.println();
        System.out.println(figures.toJSONString());
        System.exit(0);
    }

    private interface Burst {
        void send(int messages) throws Exception;
    }

    /** Asynchronous sends, `inFlight` of them under way: the client itself would take any number. */
    private JSONObject single() throws Exception {
        DefaultMQProducer producer = producer();
        Message message = message();
        Semaphore room = new Semaphore(spec.getIntValue("inFlight"));
        AtomicReference<Throwable> failure = new AtomicReference<>();
        return measured(count -> {
            CountDownLatch open = new CountDownLatch(count);
            for (int n = 0; n < count; n++) {
                room.acquire();
                producer.send(new Message(message.getTopic(), message.getBody()), new SendCallback() {
                    @Override public void onSuccess(SendResult result) {
                        room.release();
                        open.countDown();
                    }

                    @Override public void onException(Throwable error) {
                        failure.compareAndSet(null, error);
                        room.release();
                        open.countDown();
                    }
                });
            }
            open.await();
            if (failure.get() != null) throw new IllegalStateException(failure.get());
        }, 1);
    }

    private JSONObject batch() throws Exception {
        DefaultMQProducer producer = producer();
        int size = spec.getIntValue("batchSize");
        int callers = Math.max(1, spec.getIntValue("inFlight") / size);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        return measured(count -> {
            AtomicLong left = new AtomicLong(count / size);
            Thread[] threads = new Thread[callers];
            for (int n = 0; n < callers; n++) {
                threads[n] = new Thread(() -> {
                    try {
                        while (left.getAndDecrement() > 0) {
                            List<Message> messages = new ArrayList<>(size);
                            for (int m = 0; m < size; m++) messages.add(message());
                            producer.send(messages);
                        }
                    } catch (Exception error) {
                        failure.compareAndSet(null, error);
                    }
                });
                threads[n].start();
            }
            for (Thread thread : threads) thread.join();
            if (failure.get() != null) throw new IllegalStateException(failure.get());
        }, size);
    }

    private JSONObject consume() throws Exception {
        long wanted = spec.getLongValue("count");
        AtomicLong received = new AtomicLong();
        AtomicLong skipped = new AtomicLong(-1);
        long[] started = new long[2];
        long[] ended = new long[2];
        CountDownLatch done = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(spec.getString("group"));
        consumer.setNamesrvAddr(spec.getString("nameServer"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeMessageBatchMaxSize(32);
        consumer.subscribe(spec.getString("topic"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            if (skipped.compareAndSet(-1, messages.size())) {
                started[0] = System.nanoTime();
                started[1] = OS.getProcessCpuTime();
            }
            if (received.addAndGet(messages.size()) >= wanted && done.getCount() > 0) {
                ended[0] = System.nanoTime();
                ended[1] = OS.getProcessCpuTime();
                done.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        done.await();
        return figures(wanted - skipped.get(), ended[0] - started[0], ended[1] - started[1]);
    }

    private DefaultMQProducer producer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(spec.getString("group"));
        producer.setNamesrvAddr(spec.getString("nameServer"));
        producer.setSendMsgTimeout(30_000);
        producer.start();
        return producer;
    }

    private Message message() {
        byte[] body = new byte[spec.getIntValue("sizeBytes")];
        Arrays.fill(body, (byte) 'x');
        return new Message(spec.getString("topic"), body);
    }

    private JSONObject measured(Burst burst, int unit) throws Exception {
        burst.send(spec.getIntValue("warmUp"));
        int count = spec.getIntValue("count") / unit * unit;
        long wall = System.nanoTime();
        long cpu = OS.getProcessCpuTime();
        burst.send(count);
        return figures(count, System.nanoTime() - wall, OS.getProcessCpuTime() - cpu);
    }

    private static JSONObject figures(long messages, long nanos, long cpuNanos) {
        JSONObject figures = new JSONObject();
        figures.put("messages", messages);
        figures.put("seconds", nanos / 1e9);
        figures.put("cpuSeconds", cpuNanos / 1e9);
        return figures;
    }

    private static long peakRssBytes() throws Exception {
        if (!Files.exists(Paths.get("/proc/self/status"))) return 0;
        for (String line : Files.readAllLines(Paths.get("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
        return 0;
    }
}
