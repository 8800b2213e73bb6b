package foreign;

import com.alibaba.fastjson.JSONObject;
import java.util.Collections;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/** A lite pull consumer: a member of its group with "topic", else it reads the queue that "assign" names. */
final class PullConsumerPart implements Part {
    private final DefaultLitePullConsumer consumer;
    private final JSONObject given;

    PullConsumerPart(JSONObject call) {
        given = call;
        consumer = new DefaultLitePullConsumer(call.getString("group"), Part.hook(call));
        Part.configure(consumer, call);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(call.getBooleanValue("autoCommit"));
        consumer.setAutoCommitIntervalMillis(1000);
    }

    @Override
    public void start() throws Exception {
        if (given.containsKey("topic")) consumer.subscribe(given.getString("topic"), "*");
        consumer.start();
        if (given.containsKey("assign")) {
            consumer.assign(Collections.singletonList(Messages.queue(given.getJSONObject("assign"))));
        }
    }

    @Override
    public void close() {
        consumer.shutdown();
    }

    @Override
    public Object done(String what, JSONObject call) throws Exception {
        switch (what) {
            case "poll": return Messages.json(consumer.poll(call.getLongValue("timeoutMs")));
            case "commit":
                consumer.commit();
                return true;
            case "seek":
                consumer.seek(queue(call), call.getLongValue("offset"));
                return true;
            case "committed": return consumer.committed(queue(call));
            default: throw new IllegalArgumentException("a pull consumer cannot " + what);
        }
    }

    private static MessageQueue queue(JSONObject call) {
        return Messages.queue(call.getJSONObject("queue"));
    }
}
