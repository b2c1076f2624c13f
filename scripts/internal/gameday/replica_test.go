package gameday

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// counter numbers writes over all tables, as time does.
var counter struct {
	sync.Mutex
	n int
}

// table is one region's copy with its stream, as far as a Replica asks for them.
type table struct {
	mu     sync.Mutex
	rows   map[string]map[string]any
	stream []map[string]any
	before func() // runs before the next write that comes over the wire
}

func (b *table) write(key string, row map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	counter.Lock()
	defer counter.Unlock()
	old, _ := json.Marshal(b.rows[key])
	now, _ := json.Marshal(row)
	if string(old) == string(now) {
		return // which DynamoDB's streams don't tell
	}
	counter.n++
	record := map[string]any{"SequenceNumber": fmt.Sprintf("%020d", counter.n), "Keys": keyOf(key)}
	if row == nil {
		delete(b.rows, key)
	} else {
		b.rows[key], record["NewImage"] = row, row
	}
	b.stream = append(b.stream, map[string]any{"dynamodb": record})
}

func keyOf(key string) map[string]any {
	return map[string]any{"PK": map[string]any{"S": key}, "SK": map[string]any{"S": "P"}}
}

func rowOf(key, says string) map[string]any {
	row := keyOf(key)
	row["says"] = map[string]any{"S": says}
	return row
}

func (b *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Item, Key     map[string]any
		ShardIterator string
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	name := func(of map[string]any) string { return of["PK"].(map[string]any)["S"].(string) }
	var out any = map[string]any{}
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if b.before != nil && (call == "PutItem" || call == "DeleteItem") {
		do := b.before
		b.before = nil
		do()
	}
	switch call {
	case "DescribeTable":
		out = map[string]any{"Table": map[string]any{"LatestStreamArn": "stream"}}
	case "DescribeStream":
		out = map[string]any{"StreamDescription": map[string]any{"Shards": []any{map[string]any{"ShardId": "one"}}}}
	case "GetShardIterator":
		out = map[string]any{"ShardIterator": fmt.Sprint(len(b.stream))}
	case "Scan":
		b.mu.Lock()
		items := []any{}
		for row := range maps.Values(b.rows) {
			items = append(items, row)
		}
		b.mu.Unlock()
		out = map[string]any{"Items": items}
	case "GetRecords":
		var at int
		_, _ = fmt.Sscan(in.ShardIterator, &at)
		b.mu.Lock()
		out = map[string]any{"Records": b.stream[at:], "NextShardIterator": fmt.Sprint(len(b.stream))}
		b.mu.Unlock()
	case "PutItem":
		b.write(name(in.Item), in.Item)
	case "DeleteItem":
		b.write(name(in.Key), nil)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func tables(t *testing.T, n int) ([]*table, []Copy) {
	t.Helper()
	var all []*table
	var copies []Copy
	for i := range n {
		b := &table{rows: map[string]map[string]any{}}
		s := httptest.NewServer(b)
		t.Cleanup(s.Close)
		all, copies = append(all, b), append(copies, Copy{AWS{s.URL, fmt.Sprintf("region-%d", i)}, "chats"})
	}
	return all, copies
}

func (b *table) says(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows[key] == nil {
		return ""
	}
	return b.rows[key]["says"].(map[string]any)["S"].(string)
}

// Whatever is written where, with steps in between and replication held now and then:
// at the end all copies have each row's last write.
func TestTheLastWriterWins(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		all, copies := tables(t, 2)
		all[0].write("k0", rowOf("k0", "from before"))
		r, err := Link(t.Context(), copies...)
		if err != nil {
			t.Fatal(err)
		}
		last := map[string]string{"k0": "from before"}
		for i := range 60 {
			key, b := fmt.Sprintf("k%d", random.IntN(4)), all[random.IntN(2)]
			write := func(says string) func() {
				return func() {
					if says == "" && b.says(key) == "" {
						return // to delete nothing is no write
					}
					last[key] = says
					if says == "" {
						b.write(key, nil)
						return
					}
					b.write(key, rowOf(key, says))
				}
			}
			switch random.IntN(8) {
			case 0:
				r.Hold(random.IntN(2) == 0)
			case 1, 2, 3:
				err = r.Step(t.Context())
			case 4:
				write("")()
			case 5:
				b.before = write(fmt.Sprint("just before ", i)) // the replica's own write
			default:
				write(fmt.Sprint("write ", i))()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.Hold(false)
		for range 6 {
			if err := r.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range all {
			if b.before != nil {
				continue
			}
			for key, want := range last {
				if got := b.says(key); got != want {
					t.Fatalf("seed %d: %s is %q, want %q", seed, key, got, want)
				}
			}
		}
		before := counter.n
		if err := r.Step(t.Context()); err != nil || counter.n != before && all[0].before == nil && all[1].before == nil {
			t.Fatalf("seed %d: it writes on and on: %v", seed, err)
		}
	}
}
