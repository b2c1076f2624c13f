package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/store"
)

// aimHeap is the heap of process-upload, in MB.
const aimHeap = 128

// heaps processes a file of each size in an environment of its own.
func (b *bench) heaps(ctx context.Context) (table, error) {
	sizes := []int64{1, 8, 64, 512} // MB
	if b.quick {
		sizes = sizes[:2]
	}
	r, err := rig.New(ctx, b.services, rig.Options{})
	if err != nil {
		return table{}, err
	}
	defer closeRig(r)
	t := table{Head: []string{"file", "largest heap, MB", "of the aim", "resident at most, MB", "processed in, s"}}
	for _, size := range sizes {
		heap, resident, took, err := b.heap(ctx, r, size<<20)
		if err != nil {
			return t, fmt.Errorf("%d MB: %w", size, err)
		}
		t.add(fmt.Sprintf("%d MB", size), "%d", heap, "%.2f", float64(heap)/aimHeap, "%d", resident, "%.1f", took.Seconds())
	}
	return t, nil
}

// heap processes a file of that many bytes and returns the largest heap and the
// largest resident set, in MB. The recorder would hold the file in memory, so S3 is
// called past it.
func (b *bench) heap(ctx context.Context, r *rig.Rig, size int64) (heap, resident int, took time.Duration, err error) {
	f, event, err := b.arrive(ctx, r, size)
	if err != nil {
		return 0, 0, 0, err
	}
	trace := &gcTrace{}
	spec, err := r.Spec(ctx, "process-upload", "GODEBUG=gctrace=1", "AWS_ENDPOINT_URL_S3="+b.services.AWS)
	if err != nil {
		return 0, 0, 0, err
	}
	spec.Timeout, spec.Log = 5*time.Minute, trace
	e, err := runtimeapi.Start(spec)
	if err != nil {
		return 0, 0, 0, err
	}
	defer e.Close()
	out, err := e.Invoke(ctx, event)
	if err != nil {
		return 0, 0, 0, err
	}
	done, err := store.NewFiles(r.DB, r.FilesTable, r.ChatsTable).File(ctx, f.User, f.ID)
	if err == nil && done.Status != file.Ready {
		err = fmt.Errorf("the file is %s at stage %s, reason %+v; the function said:\n%s", done.Status, done.Stage, done.Reason, trace)
	}
	if err != nil {
		return 0, 0, 0, err
	}
	resident, err = peakResident(e.PID())
	return trace.largest(), resident, out.Duration, err
}

// arrive has a user send random bytes, and returns their file and the event of their
// arrival.
func (b *bench) arrive(ctx context.Context, r *rig.Rig, size int64) (f file.File, event []byte, err error) {
	dir, err := os.MkdirTemp("", "parley-heap-")
	if err != nil {
		return f, nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "file")
	sha, err := noise(path, size)
	if err != nil {
		return f, nil, err
	}
	now := time.Now()
	f = file.File{ID: id.New(now), User: id.New(now), Name: "noise.bin", ContentType: "application/octet-stream", Size: size, SHA256: sha,
		Status: file.Uploading, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	if err := store.NewFiles(r.DB, r.FilesTable, r.ChatsTable).Create(ctx, f, 1<<40); err != nil {
		return f, nil, err
	}
	body, err := os.Open(path)
	if err != nil {
		return f, nil, err
	}
	defer body.Close()
	key := "incoming/" + f.User + "/" + f.ID
	version, err := b.put(ctx, r.Files, key, body)
	if err != nil {
		return f, nil, err
	}
	event, err = arrivalOf(r.Files, key, version, now)
	return f, event, err
}

func (b *bench) put(ctx context.Context, bucket, key string, body io.Reader) (version string, err error) {
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &b.services.AWS, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body})
	if err != nil {
		return "", err
	}
	if out.VersionId == nil {
		return "", fmt.Errorf("bucket %s keeps no versions", bucket)
	}
	return *out.VersionId, nil
}

// arrivalOf is what Lambda gets for what S3 says of an object.
func arrivalOf(bucket, key, version string, at time.Time) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": at,
		"s3": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key, "versionId": version}}}}})
	if err != nil {
		return nil, err
	}
	return json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: id.New(at), ReceiptHandle: "none", Body: string(body), EventSource: "aws:sqs"}}})
}

// gcTrace collects what a process says with GODEBUG=gctrace=1.
type gcTrace struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write takes what the process says.
func (g *gcTrace) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.Write(p)
}

// String is all that it has said.
func (g *gcTrace) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.String()
}

// sizes of the heap when a collection begins, when it ends, and of what it left.
var heapSizes = regexp.MustCompile(`(\d+)->(\d+)->(\d+) MB`)

// largest is the largest heap at the end of a collection, in MB.
func (g *gcTrace) largest() int {
	most := 0
	for _, m := range heapSizes.FindAllStringSubmatch(g.String(), -1) {
		n, _ := strconv.Atoi(m[2]) // it is digits
		most = max(most, n)
	}
	return most
}

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakResident is the most memory that a process has had, in MB.
func peakResident(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := peakLine.FindSubmatch(status)
	if m == nil {
		return 0, fmt.Errorf("process %d doesn't say how much memory it had", pid)
	}
	kb, err := strconv.Atoi(string(m[1]))
	return kb >> 10, err
}
