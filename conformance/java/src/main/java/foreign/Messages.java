package foreign;

import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Messages, queues and results as JSON; bodies are in base64. */
final class Messages {
    private Messages() {}

    static Message message(JSONObject of) {
        Message message = new Message(of.getString("topic"), Base64.getDecoder().decode(of.getString("body")));
        if (of.containsKey("tag")) message.setTags(of.getString("tag"));
        if (of.containsKey("keys")) message.setKeys(of.getJSONArray("keys").toJavaList(String.class));
        if (of.containsKey("delayLevel")) message.setDelayTimeLevel(of.getIntValue("delayLevel"));
        if (of.containsKey("deliverAt")) message.setDeliverTimeMs(of.getLongValue("deliverAt"));
        if (of.containsKey("shardingKey")) {
            MessageAccessor.putProperty(message, MessageConst.PROPERTY_SHARDING_KEY, of.getString("shardingKey"));
        }
        JSONObject properties = of.getJSONObject("properties");
        if (properties != null) {
            for (Map.Entry<String, Object> entry : properties.entrySet()) {
                message.putUserProperty(entry.getKey(), String.valueOf(entry.getValue()));
            }
        }
        return message;
    }

    static List<Message> messages(JSONArray of) {
        List<Message> messages = new ArrayList<>();
        for (int n = 0; n < of.size(); n++) messages.add(message(of.getJSONObject(n)));
        return messages;
    }

    static JSONObject json(MessageExt message) {
        JSONObject json = new JSONObject();
        json.put("topic", message.getTopic());
        json.put("tag", message.getTags());
        json.put("keys", message.getKeys());
        json.put("body", Base64.getEncoder().encodeToString(message.getBody()));
        json.put("properties", message.getProperties());
        json.put("messageId", message.getMsgId());
        json.put("queueId", message.getQueueId());
        json.put("queueOffset", message.getQueueOffset());
        json.put("reconsumeTimes", message.getReconsumeTimes());
        json.put("bornTimestamp", message.getBornTimestamp());
        json.put("storeTimestamp", message.getStoreTimestamp());
        return json;
    }

    static JSONArray json(List<MessageExt> messages) {
        JSONArray json = new JSONArray();
        for (MessageExt message : messages) json.add(json(message));
        return json;
    }

    static JSONObject json(SendResult result) {
        JSONObject json = new JSONObject();
        json.put("status", result.getSendStatus().name());
        json.put("messageId", result.getMsgId());
        json.put("offsetMessageId", result.getOffsetMsgId());
        json.put("queueId", result.getMessageQueue().getQueueId());
        json.put("queueOffset", result.getQueueOffset());
        return json;
    }

    static MessageQueue queue(JSONObject of) {
        return new MessageQueue(of.getString("topic"), of.getString("brokerName"), of.getIntValue("queueId"));
    }
}
