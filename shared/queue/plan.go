package queue

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Settings say where each plan's prompts go: to one queue, or to several where more
// prompts are under way at once than SQS lets be in flight in one.
type Settings struct {
	Free        []string `env:"QUEUE_URLS_FREE,required,notEmpty"` // all that the fleet reads
	Premium     []string `env:"QUEUE_URLS_PREMIUM,required,notEmpty"`
	FreeUsed    int      `env:"QUEUES_USED_FREE" envDefault:"1"` // of them prompts are sent to the first so many
	PremiumUsed int      `env:"QUEUES_USED_PREMIUM" envDefault:"1"`
}

// Plans opens the queues.
func (s Settings) Plans(client *sqs.Client) Plans {
	return Plans{quota.Free: open(client, s.Free, s.FreeUsed), quota.Premium: open(client, s.Premium, s.PremiumUsed)}
}

func open(client *sqs.Client, urls []string, used int) Lanes {
	all := make([]*Prompts, len(urls))
	for i, url := range urls {
		all[i] = New(client, url)
	}
	return NewLanes(used, all...)
}

// Plans sends each prompt to a queue of its plan.
type Plans map[quota.Plan]Lanes

// Send queues a prompt; when it returns, SQS has it. One call.
func (q Plans) Send(ctx context.Context, p chat.Prompt) error {
	return q[p.Plan].Send(ctx, p)
}

// Lanes are the queues of one plan. A worker reads all of them. Prompts are sent to
// some, from the first on: to more of them only once workers read those, and to fewer
// before workers stop reading the others.
type Lanes struct {
	all  []*Prompts
	used int
}

// NewLanes makes one plan of these queues, of which used are sent to: one at least, and
// no more than there are.
func NewLanes(used int, all ...*Prompts) Lanes {
	return Lanes{all, min(max(used, 1), len(all))}
}

// Send queues a prompt in the lane of its chat. One call.
func (l Lanes) Send(ctx context.Context, p chat.Prompt) error {
	if l.used == 0 {
		return fmt.Errorf("no queue for plan %q", p.Plan)
	}
	return l.all[laneOf(p.Chat, l.used)].Send(ctx, p)
}

// laneOf is which of n queues a chat has: always the same one, and each as many chats.
func laneOf(chat string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(chat))
	return int(h.Sum64() % uint64(n))
}

// All are the queues, for whoever reads them.
func (l Lanes) All() []*Prompts { return l.all }

// Depth returns about how many prompts of the plan wait for a worker, and how many are
// hidden because one has them. One call for each queue, side by side.
func (l Lanes) Depth(ctx context.Context) (waiting, hidden int, err error) {
	if len(l.all) == 1 {
		return l.all[0].Depth(ctx)
	}
	var mu sync.Mutex
	var calls sync.WaitGroup
	for _, q := range l.all {
		calls.Go(func() {
			w, h, e := q.Depth(ctx)
			mu.Lock()
			defer mu.Unlock()
			waiting, hidden = waiting+w, hidden+h
			if e != nil {
				err = e
			}
		})
	}
	calls.Wait()
	if err != nil {
		return 0, 0, err
	}
	return waiting, hidden, nil
}
