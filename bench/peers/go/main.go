// The Go client as a peer: the same argument, works and answer as those in Node (lib/harness.mjs).
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

type spec struct {
	Work, NameServer, Topic, Group                string
	Count, WarmUp, InFlight, SizeBytes, BatchSize int
}

type figures struct {
	Messages   int     `json:"messages"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	RSSBytes   int64   `json:"rssBytes"`
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func usage() (cpuSeconds float64, rssBytes int64) {
	var used syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime), int64(used.Maxrss) * 1024
}

// Calls send `calls` times, from `callers` goroutines.
func run(calls, callers int, send func()) {
	left := int64(calls)
	var open sync.WaitGroup
	for n := 0; n < callers; n++ {
		open.Add(1)
		go func() {
			defer open.Done()
			for atomic.AddInt64(&left, -1) >= 0 {
				send()
			}
		}()
	}
	open.Wait()
}

func flood(s spec, perCall int, send func()) figures {
	callers := max(1, s.InFlight/perCall)
	run(s.WarmUp/perCall, callers, send)
	cpu, _ := usage()
	started := time.Now()
	run(s.Count/perCall, callers, send)
	now, _ := usage()
	return figures{s.Count / perCall * perCall, time.Since(started).Seconds(), now - cpu, 0}
}

func sends(s spec, perCall int) figures {
	client, err := rocketmq.NewProducer(
		producer.WithNameServer([]string{s.NameServer}),
		producer.WithGroupName(s.Group),
		producer.WithSendMsgTimeout(30*time.Second),
	)
	fail(err)
	fail(client.Start())
	body := bytes.Repeat([]byte("x"), s.SizeBytes)
	return flood(s, perCall, func() {
		messages := make([]*primitive.Message, perCall)
		for n := range messages {
			messages[n] = primitive.NewMessage(s.Topic, body)
		}
		_, err := client.SendSync(context.Background(), messages...)
		fail(err)
	})
}

func consume(s spec) figures {
	client, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer([]string{s.NameServer}),
		consumer.WithGroupName(s.Group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumeMessageBatchMaxSize(32),
	)
	fail(err)
	var received, skipped int64
	var once sync.Once
	var cpu float64
	var started time.Time
	done := make(chan figures, 1)
	fail(client.Subscribe(s.Topic, consumer.MessageSelector{}, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		once.Do(func() {
			skipped = int64(len(messages))
			cpu, _ = usage()
			started = time.Now()
		})
		if atomic.AddInt64(&received, int64(len(messages))) >= int64(s.Count) {
			now, _ := usage()
			select {
			case done <- figures{s.Count - int(skipped), time.Since(started).Seconds(), now - cpu, 0}:
			default:
			}
		}
		return consumer.ConsumeSuccess, nil
	}))
	fail(client.Start())
	return <-done
}

func main() {
	rlog.SetLogLevel("error")
	var s spec
	fail(json.Unmarshal([]byte(os.Args[1]), &s))
	var result figures
	switch s.Work {
	case "single":
		result = sends(s, 1)
	case "batch":
		result = sends(s, s.BatchSize)
	case "consume":
		result = consume(s)
	default:
		fail(fmt.Errorf("this client has nothing for %s", s.Work))
	}
	_, result.RSSBytes = usage()
	line, err := json.Marshal(result)
	fail(err)
	fmt.Printf("\n%s\n", line)
}
