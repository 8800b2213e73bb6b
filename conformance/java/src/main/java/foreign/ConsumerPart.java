package foreign;

import com.alibaba.fastjson.JSONObject;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.client.impl.consumer.RebalanceImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/**
 * A push consumer: concurrent, or with "orderly", "broadcasting", "pop" or "replies". Each call of its listener is an
 * event with the times of its begin and end. Messages that came less often again than "failures" says fail.
 */
final class ConsumerPart implements Part {
    private final DefaultMQPushConsumer consumer;
    private final DefaultMQProducer replier;
    private final Events events;
    private final String topic;
    private final int failures;
    private final long workMs;

    ConsumerPart(JSONObject call, Events events) throws Exception {
        this.events = events;
        topic = call.getString("topic");
        failures = call.getIntValue("failures");
        workMs = call.getLongValue("workMs");
        String strategy = call.containsKey("allocate") ? call.getString("allocate") : "average";
        consumer = new DefaultMQPushConsumer(call.getString("group"), Part.hook(call), strategy(strategy));
        Part.configure(consumer, call);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        // A listener that runs at the end would be cut off in the middle.
        consumer.setAwaitTerminationMillisWhenShutdown(5000);
        consumer.setSuspendCurrentQueueTimeMillis(100);
        consumer.setConsumeMessageBatchMaxSize(call.containsKey("batchSize") ? call.getIntValue("batchSize") : 1);
        if (call.getBooleanValue("broadcasting")) consumer.setMessageModel(MessageModel.BROADCASTING);
        if (call.containsKey("maxReconsumeTimes")) {
            consumer.setMaxReconsumeTimes(call.getIntValue("maxReconsumeTimes"));
        }
        // The broker then says who has which queue, and whether it is to be popped.
        if (call.getBooleanValue("pop")) consumer.setClientRebalance(false);
        String expression = call.containsKey("expression") ? call.getString("expression") : "*";
        if (call.getBooleanValue("sql")) consumer.subscribe(topic, MessageSelector.bySql(expression));
        else consumer.subscribe(topic, expression);
        if (call.getBooleanValue("orderly")) consumer.setMessageListener((MessageListenerOrderly) (messages, context) ->
            handled(messages) ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        else consumer.setMessageListener((MessageListenerConcurrently) (messages, context) ->
            handled(messages) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        replier = call.getBooleanValue("replies") ? new DefaultMQProducer(call.getString("group") + "-replies") : null;
        if (replier != null) {
            Part.configure(replier, call);
            replier.setInstanceName(call.getString("part") + "-replies");
        }
    }

    @Override
    public void start() throws Exception {
        if (replier != null) replier.start();
        consumer.start();
    }

    @Override
    public void close() {
        consumer.shutdown();
        if (replier != null) replier.shutdown();
    }

    @Override
    public Object done(String what, JSONObject call) {
        if (!what.equals("queues")) throw new IllegalArgumentException("a consumer cannot " + what);
        RebalanceImpl rebalance = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl();
        Set<MessageQueue> held = new HashSet<>(rebalance.getProcessQueueTable().keySet());
        held.addAll(rebalance.getPopProcessQueueTable().keySet());
        return held.stream().filter(queue -> queue.getTopic().equals(topic)).mapToInt(MessageQueue::getQueueId).toArray();
    }

    private boolean handled(List<MessageExt> messages) {
        JSONObject event = new JSONObject();
        event.put("event", "handled");
        event.put("begin", System.currentTimeMillis());
        boolean good = messages.stream().allMatch(message -> message.getReconsumeTimes() >= failures);
        try {
            if (workMs > 0) Thread.sleep(workMs);
            if (replier != null) for (MessageExt message : messages) reply(message);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        event.put("messages", Messages.json(messages));
        event.put("good", good);
        event.put("end", System.currentTimeMillis());
        events.tell(event);
        return good;
    }

    private void reply(MessageExt message) throws Exception {
        byte[] body = message.getBody();
        byte[] doubled = new byte[body.length * 2];
        System.arraycopy(body, 0, doubled, 0, body.length);
        System.arraycopy(body, 0, doubled, body.length, body.length);
        replier.send(MessageUtil.createReplyMessage(message, doubled));
    }

    private static AllocateMessageQueueStrategy strategy(String name) {
        switch (name) {
            case "average": return new AllocateMessageQueueAveragely();
            case "averageByCircle": return new AllocateMessageQueueAveragelyByCircle();
            case "consistentHash": return new AllocateMessageQueueConsistentHash();
            default: throw new IllegalArgumentException("no strategy " + name);
        }
    }
}
