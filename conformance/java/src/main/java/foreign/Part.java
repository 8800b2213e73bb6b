package foreign;

import com.alibaba.fastjson.JSONObject;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.remoting.RPCHook;

/** A producer or consumer, which has a name. */
interface Part {
    interface Events {
        void tell(JSONObject event);
    }

    void start() throws Exception;

    Object done(String what, JSONObject call) throws Exception;

    void close();

    /** Signs requests, where an account is named. */
    static RPCHook hook(JSONObject call) {
        if (!call.containsKey("accessKey")) return null;
        return new AclClientRPCHook(
            new SessionCredentials(call.getString("accessKey"), call.getString("secretKey")));
    }

    /** What is the same for all of them: quick to find out what changed, so that tests need not wait for it. */
    static void configure(ClientConfig config, JSONObject call) {
        config.setNamesrvAddr(call.getString("nameServer"));
        // Parts of one instance name would share connections, and the client id that others see.
        config.setInstanceName(call.getString("part"));
        config.setPollNameServerInterval(1000);
        config.setHeartbeatBrokerInterval(1000);
        config.setPersistConsumerOffsetInterval(500);
        // 3 s are short on a machine with much other work.
        config.setMqClientApiTimeout(15_000);
        if (call.containsKey("namespace")) config.setNamespace(call.getString("namespace"));
        config.setUseTLS(call.getBooleanValue("tls"));
        config.setEnableTrace(call.getBooleanValue("trace"));
    }
}
