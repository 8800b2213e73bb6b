package foreign;

import com.alibaba.fastjson.JSONObject;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** A producer; with "checker", the answer it gives to every question, a transactional one. */
final class ProducerPart implements Part {
    private static final int TIMEOUT_MS = 20_000;
    private final DefaultMQProducer producer;

    ProducerPart(JSONObject call, Events events) {
        String checker = call.getString("checker");
        producer = checker == null
            ? new DefaultMQProducer(call.getString("group"), Part.hook(call))
            : transactional(call, LocalTransactionState.valueOf(checker), events);
        Part.configure(producer, call);
        producer.setSendMsgTimeout(TIMEOUT_MS);
        // A producer tells only those brokers of itself that it knows from topics: to be asked before it has sent, it
        // is told which.
        if (call.containsKey("topics")) producer.setTopics(call.getJSONArray("topics").toJavaList(String.class));
        if (call.containsKey("compress")) {
            producer.setCompressType(CompressionType.of(call.getString("compress")));
            producer.setCompressMsgBodyOverHowmuch(call.getIntValue("compressFromBytes"));
        }
    }

    private static TransactionMQProducer transactional(
        JSONObject call, LocalTransactionState answer, Events events) {
        TransactionMQProducer producer = new TransactionMQProducer(call.getString("group"), Part.hook(call));
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object state) {
                return (LocalTransactionState) state;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                JSONObject event = new JSONObject();
                event.put("event", "checked");
                event.put("message", Messages.json(message));
                events.tell(event);
                return answer;
            }
        });
        return producer;
    }

    @Override
    public void start() throws Exception {
        producer.start();
    }

    @Override
    public void close() {
        producer.shutdown();
    }

    @Override
    public Object done(String what, JSONObject call) throws Exception {
        switch (what) {
            case "send": return Messages.json(producer.send(message(call)));
            case "sendAsync": return Messages.json(sentAsync(message(call)));
            case "sendByKey":
                // The key as Java's users give it; ours has it in the message.
                String key = call.getJSONObject("message").getString("shardingKey");
                return Messages.json(producer.send(message(call), new SelectMessageQueueByHash(), key));
            case "sendBatch": return Messages.json(producer.send(Messages.messages(call.getJSONArray("messages"))));
            case "sendOneWay":
                producer.sendOneway(message(call));
                return true;
            case "sendInTransaction": return sentInTransaction(call);
            case "request": {
                Message answer = producer.request(message(call), call.getLongValue("timeoutMs"));
                return Messages.json((MessageExt) answer);
            }
            case "view": return Messages.json(producer.viewMessage(call.getString("topic"), call.getString("messageId")));
            case "query": {
                QueryResult found = producer.queryMessage(
                    call.getString("topic"), call.getString("key"), 32, 0, System.currentTimeMillis() + 60_000);
                return Messages.json(found.getMessageList());
            }
            case "offsets": {
                MessageQueue queue = Messages.queue(call.getJSONObject("queue"));
                JSONObject offsets = new JSONObject();
                offsets.put("min", producer.minOffset(queue));
                offsets.put("max", producer.maxOffset(queue));
                offsets.put("atTime", producer.searchOffset(queue, call.getLongValue("time")));
                return offsets;
            }
            default: throw new IllegalArgumentException("a producer cannot " + what);
        }
    }

    private static Message message(JSONObject call) {
        return Messages.message(call.getJSONObject("message"));
    }

    private SendResult sentAsync(Message message) throws Exception {
        CompletableFuture<SendResult> result = new CompletableFuture<>();
        producer.send(message, new SendCallback() {
            @Override
            public void onSuccess(SendResult sent) {
                result.complete(sent);
            }

            @Override
            public void onException(Throwable error) {
                result.completeExceptionally(error);
            }
        });
        return result.get(TIMEOUT_MS * 2, TimeUnit.MILLISECONDS);
    }

    private JSONObject sentInTransaction(JSONObject call) throws Exception {
        LocalTransactionState local = LocalTransactionState.valueOf(call.getString("local"));
        TransactionSendResult sent = producer.sendMessageInTransaction(message(call), local);
        JSONObject json = Messages.json(sent);
        json.put("state", sent.getLocalTransactionState().name());
        return json;
    }
}
