package policy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"parley/shared/store/storetest"
)

// cloud answers every call with the same, past a recorder, and keeps what came.
type cloud struct {
	status int
	answer string

	recorder *Recorder
	url      string
	method   string
	target   string
	body     []byte
	header   http.Header
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{status: http.StatusOK, answer: "{}", recorder: NewRecorder()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.method, c.target, c.header = r.Method, r.RequestURI, r.Header.Clone()
		c.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(c.status)
		io.WriteString(w, c.answer)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(c.recorder.Close)
	var err error
	if c.url, err = c.recorder.Listen(server.URL); err != nil {
		t.Fatal(err)
	}
	return c
}

// config leads the SDK there, in somebody's name.
func (c *cloud) config(app string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &c.url, AppID: app, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: storetest.Wire{Next: http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// seen are the needs that were noted, as text: action, resource and conditions.
func (c *cloud) seen(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	if err := c.recorder.Save(file, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hush") {
		t.Errorf("the record has what nobody may know: %s", text)
	}
	record, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, n := range record.Needs {
		who := n.App
		if n.Signed {
			who = "signed"
		}
		all = append(all, who+": "+call{n.Action, n.Resource, n.Context}.String())
	}
	return all
}

func key(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: "hush"}}
}

var table = aws.String("parley-Data-ChatsTable-1")

// What the SDK sends for a call is understood as the rights that the call needs.
func TestNeedsOfCalls(t *testing.T) {
	bucket := aws.String("things")
	for name, test := range map[string]struct {
		do   func(context.Context, aws.Config) error
		want []string
	}{
		"a row": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key("U#01JHUSHhush")})
			return err
		}, []string{"dynamodb:GetItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys U#…)"}},
		"a row that is written": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: key("K")})
			return err
		}, []string{"dynamodb:PutItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys K)"}},
		"a query": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).Query(ctx, &dynamodb.QueryInput{TableName: table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "F#beat"}, ":s": &types.AttributeValueMemberS{Value: "hush"}}})
			return err
		}, []string{"dynamodb:Query on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys F#beat)"}},
		"a query by an index, which nobody has": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).Query(ctx, &dynamodb.QueryInput{TableName: table, KeyConditionExpression: aws.String("Mail = :p"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "U#1"}}})
			return err
		}, []string{"dynamodb:Query on ?"}},
		"a scan": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).Scan(ctx, &dynamodb.ScanInput{TableName: table})
			return err
		}, []string{"dynamodb:Scan on ?"}},
		"a transaction": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: table, Item: key("U#1")}},
				{Update: &types.Update{TableName: table, Key: key("B#1"), UpdateExpression: aws.String("SET a = b")}},
				{Delete: &types.Delete{TableName: table, Key: key("E#hush")}},
				{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key("U#2"), ConditionExpression: aws.String("a = b")}},
			}})
			return err
		}, []string{
			"dynamodb:ConditionCheckItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys U#…)",
			"dynamodb:DeleteItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys E#…)",
			"dynamodb:PutItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys U#…)",
			"dynamodb:UpdateItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys B#…)"}},
		"a batch of reads": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				*table: {Keys: []map[string]types.AttributeValue{key("U#1"), key("U#2"), key("P#3")}}}})
			return err
		}, []string{"dynamodb:BatchGetItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys P#… U#…)"}},
		"a batch of writes": {func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
				*table: {{DeleteRequest: &types.DeleteRequest{Key: key("U#1")}}, {PutRequest: &types.PutRequest{Item: key("B#1")}}}}})
			return err
		}, []string{"dynamodb:BatchWriteItem on parley-Data-ChatsTable-1 (dynamodb:LeadingKeys B#… U#…)"}},
		"messages": {func(ctx context.Context, c aws.Config) error {
			url := aws.String("http://127.0.0.1:1/000000000000/prompts")
			client := sqs.NewFromConfig(c)
			_, err := client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url,
				Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("1"), ReceiptHandle: aws.String("hush")}}})
			if err == nil {
				_, err = client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url})
			}
			return err
		}, []string{"sqs:ChangeMessageVisibility on prompts", "sqs:ReceiveMessage on prompts"}},
		"a key": {func(ctx context.Context, c aws.Config) error {
			_, err := kms.NewFromConfig(c).Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String("arn:aws:kms:us-east-1:000000000000:key/1-2"), CiphertextBlob: []byte("hush"),
				EncryptionContext: map[string]string{"purpose": "parley-signing-key", "id": "hush-1"}})
			return err
		}, []string{"kms:Decrypt on 1-2 (kms:EncryptionContext:id …) (kms:EncryptionContext:purpose parley-signing-key)"}},
		"a mail": {func(ctx context.Context, c aws.Config) error {
			content := func(s string) *sestypes.Content { return &sestypes.Content{Data: &s} }
			_, err := sesv2.NewFromConfig(c).SendEmail(ctx, &sesv2.SendEmailInput{FromEmailAddress: aws.String("parley@example.com"),
				Destination: &sestypes.Destination{ToAddresses: []string{"hush@example.com"}},
				Content:     &sestypes.EmailContent{Simple: &sestypes.Message{Subject: content("hush"), Body: &sestypes.Body{Text: content("hush")}}}})
			return err
		}, []string{"ses:SendEmail on parley@example.com (ses:FromAddress parley@example.com)"}},
		"all functions": {func(ctx context.Context, c aws.Config) error {
			_, err := lambda.NewFromConfig(c).ListFunctions(ctx, &lambda.ListFunctionsInput{Marker: aws.String("hush")})
			return err
		}, []string{"lambda:ListFunctions on …"}},
		"a function's tags": {func(ctx context.Context, c aws.Config) error {
			_, err := lambda.NewFromConfig(c).ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String("arn:aws:lambda:us-east-1:000000000000:function:hush")})
			return err
		}, []string{"lambda:ListTags on …"}},
		"a secret": {func(ctx context.Context, c aws.Config) error {
			_, err := secretsmanager.NewFromConfig(c).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("arn:aws:secretsmanager:us-east-1:000000000000:secret:rig-cdn-1")})
			return err
		}, []string{"secretsmanager:GetSecretValue on rig-cdn-1"}},
		"an object": {func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("usage/dt=2026-11-22/hh=06/01JHUSH.gz"), Body: strings.NewReader("hush")})
			return err
		}, []string{"s3:PutObject on things/usage/…/…/…"}},
		"a version, its tags, its end": {func(ctx context.Context, c aws.Config) error {
			client, key, version := s3.NewFromConfig(c), aws.String("incoming/01USER/01FILE"), aws.String("v1")
			_, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key, VersionId: version})
			if err == nil {
				_, err = client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: key, VersionId: version})
			}
			if err == nil {
				_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: version})
			}
			return err
		}, []string{"s3:DeleteObjectVersion on things/incoming/…/…", "s3:GetObjectVersion on things/incoming/…/…", "s3:GetObjectVersionTagging on things/incoming/…/…"}},
		"many ends": {func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{
				{Key: aws.String("segments/01USER/1")}, {Key: aws.String("bodies/01USER/2"), VersionId: aws.String("v")}}}})
			return err
		}, []string{"s3:DeleteObject on things/segments/…/…", "s3:DeleteObjectVersion on things/bodies/…/…"}},
		"a copy that takes tags along": {func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("blobs/1"), CopySource: aws.String("others/incoming/1?versionId=2")})
			return err
		}, []string{"s3:GetObjectVersion on others/incoming/…", "s3:GetObjectVersionTagging on others/incoming/…", "s3:PutObject on things/blobs/…", "s3:PutObjectTagging on things/blobs/…"}},
		"a copy that doesn't": {func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("blobs/1"), CopySource: aws.String("others/incoming/1"), TaggingDirective: s3types.TaggingDirectiveReplace})
			return err
		}, []string{"s3:GetObject on others/incoming/…", "s3:PutObject on things/blobs/…"}},
		"an upload in parts": {func(ctx context.Context, c aws.Config) error {
			client, key, id := s3.NewFromConfig(c), aws.String("incoming/1/2"), aws.String("hush")
			_, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id})
			if err == nil {
				_, err = client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id})
			}
			if err == nil {
				_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id})
			}
			return err
		}, []string{"s3:AbortMultipartUpload on things/incoming/…/…", "s3:ListMultipartUploadParts on things/incoming/…/…", "s3:PutObject on things/incoming/…/…"}},
		"lists": {func(ctx context.Context, c aws.Config) error {
			client, prefix := s3.NewFromConfig(c), aws.String("derived/0a1/")
			_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: prefix})
			if err == nil {
				_, err = client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: prefix})
			}
			if err == nil {
				_, err = client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: prefix})
			}
			return err
		}, []string{"s3:ListBucket on things (s3:prefix derived/…/)", "s3:ListBucketMultipartUploads on things", "s3:ListBucketVersions on things (s3:prefix derived/…/)"}},
		"an access list": {func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: aws.String("incoming/1")})
			return err
		}, []string{"s3: on ?"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			cfg := c.config("search")
			if strings.Contains(test.want[0], "s3:") {
				c.answer = "<Answer/>"
			}
			if err := test.do(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			for i := range test.want {
				test.want[i] = "search: " + test.want[i]
			}
			if d := cmp.Diff(test.want, c.seen(t)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A read of what isn't there needs the right to be told so.
func TestAbsenceNeedsTheList(t *testing.T) {
	c := newCloud(t)
	c.status = http.StatusNotFound
	client := s3.NewFromConfig(c.config("search"))
	if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("things"), Key: aws.String("segments/1")}); err == nil {
		t.Fatal("it was found")
	}
	if d := cmp.Diff([]string{"search: s3:GetObject on things/segments/…", "search: s3:ListBucket on things"}, c.seen(t)); d != "" {
		t.Error(d)
	}
}

// What a URL is used for is noted, though whoever uses it has no name.
func TestSignedURLs(t *testing.T) {
	c := newCloud(t)
	signer := s3.NewPresignClient(s3.NewFromConfig(c.config("upload")))
	signed, err := signer.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("things"), Key: aws.String("incoming/1/2")})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(signed.Method, signed.URL, strings.NewReader("hush"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if d := cmp.Diff([]string{"signed: s3:PutObject on things/incoming/…/…"}, c.seen(t)); d != "" {
		t.Error(d)
	}
}

// Whoever has no name isn't noted, and a call that is noted goes through unchanged.
func TestCallsGoThroughUnchanged(t *testing.T) {
	c := newCloud(t)
	for _, agent := range []string{"curl/8", "aws-sdk-go-v2/1 app/search"} {
		body := bytes.Repeat([]byte(`{"TableName":"t"} `), 300_000)
		target := "/a%20b/c%2Fd?x=%3D&y;z&empty"
		req, _ := http.NewRequest(http.MethodPost, c.url+target, bytes.NewReader(body))
		for name, value := range map[string]string{"User-Agent": agent, "X-Amz-Target": "DynamoDB_20120810.GetItem", "X-Amz-Meta-A": "b",
			"Authorization": "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"} {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if c.target != target || !bytes.Equal(c.body, body) || c.method != http.MethodPost {
			t.Errorf("%s %s with %d bytes came", c.method, c.target, len(c.body))
		}
		for name := range req.Header {
			if c.header.Get(name) != req.Header.Get(name) {
				t.Errorf("%s came as %q", name, c.header.Get(name))
			}
		}
		if c.header.Get("X-Forwarded-For") != "" {
			t.Error("it was marked on its way")
		}
	}
	if d := cmp.Diff([]string{"search: dynamodb:GetItem on ?"}, c.seen(t)); d != "" {
		t.Error(d)
	}
}

// However many calls there are at once, each gets its whole answer.
func TestManyCallsAtOnce(t *testing.T) {
	c := newCloud(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Amz-Crc32", "2745614147")
		io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	url, err := c.recorder.Listen(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.config("signup")
	cfg.BaseEndpoint = &url
	client := dynamodb.NewFromConfig(cfg)
	item := key("U#1")
	item["body"] = &types.AttributeValueMemberB{Value: bytes.Repeat([]byte("x"), 100_000)}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// A connection that breaks off is no answer that AWS has given.
func TestAServiceThatIsAway(t *testing.T) {
	r := NewRecorder()
	defer r.Close()
	url, err := r.Listen("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.Get(url); err == nil {
		res.Body.Close()
		t.Errorf("answer %s", res.Status)
	}
}

func TestARecordThatFillsUpIsNone(t *testing.T) {
	r := NewRecorder()
	for i := range maxNeeds + 1 {
		r.note("search", false, []Need{{Action: "sqs:SendMessage", Resource: fmt.Sprint(i)}})
	}
	if err := r.Save(filepath.Join(t.TempDir(), "calls"), nil); err == nil {
		t.Error("what is left out can't be noticed")
	}
}

// Whatever is sent, what is noted of it is a right to something, in shapes.
func FuzzNeeds(f *testing.F) {
	f.Add("dynamodb", "DynamoDB_20120810.TransactWriteItems", "POST", "/", `{"TransactItems":[{"Put":{"TableName":"t","Item":{"PK":{"S":"U#1"}}}},{"Delete":{"TableName":"t","Key":{"PK":{"S":"K"}}}}]}`)
	f.Add("dynamodb", "DynamoDB_20120810.BatchWriteItem", "POST", "/", `{"RequestItems":{"t":[{"PutRequest":{"Item":{"PK":{"S":"B#1"}}}}]}}`)
	f.Add("sqs", "AmazonSQS.SendMessageBatch", "POST", "/", `{"QueueUrl":"http://h/1/q"}`)
	f.Add("kms", "TrentService.Decrypt", "POST", "/", `{"KeyId":"k","EncryptionContext":{"purpose":"p"}}`)
	f.Add("ses", "", "POST", "/v2/email/outbound-emails", `{"FromEmailAddress":"a@b"}`)
	f.Add("lambda", "", "GET", "/2017-03-31/tags/arn%3Aaws%3Alambda", "")
	f.Add("s3", "", "POST", "/bucket?delete", `<Delete><Object><Key>a/B1</Key><VersionId>v</VersionId></Object></Delete>`)
	f.Add("s3", "", "PUT", "/bucket/a/b?partNumber=1&uploadId=2", "")
	f.Add("s3", "", "GET", "/bucket/a?uploadId=1&versionId=2", "")
	f.Add("s3", "", "HEAD", "/bucket/a%2Fb/c", "")
	f.Fuzz(func(t *testing.T, service, target, method, path, body string) {
		r, err := http.NewRequest(method, "http://127.0.0.1"+path, nil)
		if err != nil || strings.ContainsAny(target, "\r\n") {
			t.Skip()
		}
		r.Header.Set("X-Amz-Target", target)
		for _, n := range needs(r, service, []byte(body)) {
			action, name, _ := strings.Cut(n.Action, ":")
			if action != service || n.Resource == "" || name == "" && n.Resource != unknown {
				t.Errorf("%s %s %s: %+v", service, method, path, n)
			}
			if _, key, ok := strings.Cut(n.Resource, "/"); service == "s3" && ok && key != pathShape(key) {
				t.Errorf("what is noted of a key is no shape: %s", key)
			}
			for _, have := range n.Context[leadingKeys] {
				if have != rowShape(have) {
					t.Errorf("what is noted of a row is no shape: %s", have)
				}
			}
		}
	})
}

// What recording adds to a call.
func BenchmarkCall(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "{}")
	}))
	defer server.Close()
	recorder := NewRecorder()
	defer recorder.Close()
	recorded, err := recorder.Listen(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range [][2]string{{"direct", server.URL}, {"recorded", recorded}} {
		name, url := way[0], way[1]
		b.Run(name, func(b *testing.B) {
			client := dynamodb.NewFromConfig(aws.Config{Region: region, BaseEndpoint: &url, AppID: "search", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
			before := cpu()
			for b.Loop() {
				if _, err := client.GetItem(b.Context(), &dynamodb.GetItemInput{TableName: table, Key: key("U#1")}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpu is what this process has used of processors: time goes by for others, too.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
