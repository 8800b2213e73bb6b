// Go's client as a smoke test: it sends each way it has, consumes, and tells what came as lines of JSON. Arguments:
// the NameServer and a topic that is there.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// What a consumer was given.
type received struct {
	Group          string `json:"group"`
	Body           string `json:"body"`
	Tag            string `json:"tag"`
	Keys           string `json:"keys"`
	Region         string `json:"region"`
	MessageID      string `json:"messageId"`
	ReconsumeTimes int32  `json:"reconsumeTimes"`
}

var lines sync.Mutex

func tell(what any) {
	lines.Lock()
	defer lines.Unlock()
	must(json.NewEncoder(os.Stdout).Encode(what))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	rlog.SetLogLevel("error")
	nameServer, topic := os.Args[1], os.Args[2]
	send(nameServer, topic)
	// Each fails once with what has tag "again": in the one group it goes through the retry topic, in the other, which
	// is in order, it is tried again on the spot.
	concurrent := consume(nameServer, topic, topic+"-concurrent", false)
	orderly := consume(nameServer, topic, topic+"-orderly", true)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	<-asked
	must(concurrent.Shutdown())
	must(orderly.Shutdown())
	tell(map[string]bool{"closed": true})
}

func send(nameServer, topic string) {
	client, err := rocketmq.NewProducer(
		producer.WithNameServer([]string{nameServer}),
		producer.WithGroupName(topic+"-producer"),
		producer.WithSendMsgTimeout(30*time.Second),
	)
	must(err)
	must(client.Start())
	ctx := context.Background()

	one := primitive.NewMessage(topic, []byte("sync ä")).WithTag("a").WithKeys([]string{"k1", "k2"})
	one.WithProperty("region", "eu")
	sent, err := client.SendSync(ctx, one)
	must(err)
	tell(map[string]any{"sent": sent.MsgID, "ok": sent.Status == primitive.SendOK})

	done := make(chan error, 1)
	must(client.SendAsync(ctx, func(_ context.Context, _ *primitive.SendResult, err error) { done <- err },
		primitive.NewMessage(topic, []byte("async")).WithTag("again")))
	must(<-done)

	_, err = client.SendSync(ctx,
		primitive.NewMessage(topic, []byte("batch 0")), primitive.NewMessage(topic, []byte("batch 1")))
	must(err)
	must(client.SendOneWay(ctx, primitive.NewMessage(topic, []byte("one way"))))
	_, err = client.SendSync(ctx, primitive.NewMessage(topic, []byte("delayed")).WithDelayTimeLevel(1))
	must(err)
	must(client.Shutdown())
}

func consume(nameServer, topic, group string, orderly bool) rocketmq.PushConsumer {
	client, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer([]string{nameServer}),
		consumer.WithGroupName(group),
		consumer.WithInstance(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(orderly),
		consumer.WithSuspendCurrentQueueTimeMillis(100*time.Millisecond),
	)
	must(err)
	failed := false
	var once sync.Mutex
	must(client.Subscribe(topic, consumer.MessageSelector{}, func(
		_ context.Context, messages ...*primitive.MessageExt,
	) (consumer.ConsumeResult, error) {
		once.Lock()
		defer once.Unlock()
		for _, message := range messages {
			tell(received{group, string(message.Body), message.GetTags(), message.GetKeys(),
				message.GetProperty("region"), message.MsgId, message.ReconsumeTimes})
			if message.GetTags() == "again" && !failed {
				failed = true
				if orderly {
					return consumer.SuspendCurrentQueueAMoment, nil
				}
				return consumer.ConsumeRetryLater, nil
			}
		}
		return consumer.ConsumeSuccess, nil
	}))
	must(client.Start())
	return client
}
