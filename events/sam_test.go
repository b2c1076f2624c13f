//go:build sam

package events_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// invocation is an event and what its function must answer.
type invocation struct {
	event, function string
	status          int    // of an HTTP answer
	holds           string // a part of the body or, without a status, of the answer
}

// invocations in their order: what one leaves behind, the next ones need.
var invocations = []invocation{
	{"rotate-keys", "RotateKeysFunction", 0, ""},
	{"signup", "SignUpFunction", 201, `"email":"zoe@example.com"`},
	{"login", "LoginFunction", 200, `"access_token":"`},
	{"account", "AccountFunction", 200, `"messages_per_hour":40`},
	{"send-message", "SendMessageFunction", 202, `"status":"queued"`},
	{"history", "HistoryFunction", 200, `"title":"Why is the sky blue? Answer in one sentence."`},
	{"search", "SearchFunction", 200, `"snippet":"Why is the sky blue? Answer in one sentence."`},
	{"index-history", "IndexHistoryFunction", 0, `{"batchItemFailures": []}`},
	{"upload", "UploadFunction", 201, `"part_size":8388608`},
	{"files", "FilesFunction", 200, `"name":"fox.txt"`},
	{"process-upload", "ProcessUploadFunction", 0, `{"batchItemFailures": []}`}, // bytes that no file has: they go
	{"report-backlog", "ReportBacklogFunction", 0, ""},
	{"fail-reply", "FailReplyFunction", 0, `{"batchItemFailures": []}`},
	{"purge", "PurgeFunction", 0, `{"batchItemFailures": []}`},
}

// TestInvoke runs every function on its event by sam local invoke.
func TestInvoke(t *testing.T) {
	local := newLocal(t)
	token := ""
	for _, in := range invocations {
		t.Run(in.event, func(t *testing.T) {
			out := local.invoke(t, in, token)
			body := out
			if in.status != 0 {
				var answer struct {
					StatusCode int
					Body       string
				}
				if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.StatusCode != in.status {
					t.Fatalf("%s answered %s, want status %d", in.function, out, in.status)
				}
				body = answer.Body
			}
			if !strings.Contains(body, in.holds) || strings.Contains(body, "errorMessage") {
				t.Fatalf("%s answered %s, want %s in it", in.function, out, in.holds)
			}
			if in.event == "login" {
				token = accessToken(t, body)
			}
		})
	}
}

// invoke runs a function once and returns its answer.
func (l *local) invoke(t *testing.T, in invocation, token string) string {
	t.Helper()
	event, err := os.ReadFile(in.event + ".json")
	if err != nil {
		t.Fatal(err)
	}
	event = bytes.ReplaceAll(event, []byte("__ACCESS_TOKEN__"), []byte(token))
	event = bytes.ReplaceAll(event, []byte(filesBucket), []byte(need(t, "FILES_BUCKET")))
	cmd := l.sam(t, append([]string{"local", "invoke", "Functions/" + in.function, "--event", "-"}, l.flags...)...)
	cmd.Stdin = bytes.NewReader(event)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sam local invoke %s: %v\n%s", in.function, err, stderr.String())
	}
	t.Logf("%s: %.1f s: %.200s", in.function, time.Since(began).Seconds(), out)
	return strings.TrimSpace(string(out))
}

func accessToken(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no access token in %s", body)
	}
	return answer.Token
}

// TestStartAPI goes from sign-up to an answer in the history through sam local
// start-api. The running worker writes the answer.
func TestStartAPI(t *testing.T) {
	base := newLocal(t).startAPI(t)
	call := func(method, path, token, body string, status int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		began := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Fatalf("%s %s: %s, %v, want %d: %s", method, path, res.Status, err, status, answer)
		}
		t.Logf("%s %s: %s in %d ms", method, path, res.Status, time.Since(began).Milliseconds())
		return string(answer)
	}
	token := accessToken(t, call("POST", "/v1/signup", "-",
		`{"name":"Sam","email":"sam@example.com","password":"a lake in the hills","phone":"+12025550199","country":"US"}`, 201))
	var sent struct {
		Chat string `json:"chat_id"`
	}
	if err := json.Unmarshal([]byte(call("POST", "/v1/messages", token, `{"text":"Say hello."}`, 202)), &sent); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		var page struct {
			Items []struct{ Role, Status, Text string }
		}
		if err := json.Unmarshal([]byte(call("GET", "/v1/chats/"+sent.Chat+"/messages", token, "", 200)), &page); err != nil {
			t.Fatal(err)
		}
		if n := len(page.Items); n == 2 && page.Items[1].Status == "done" && page.Items[1].Text != "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no answer in a minute: %+v", page)
		}
	}
	call("GET", "/v1/chats", "-", "", 401)
	sendFile(t, call, token)
}

// sendFile sends a file where its signed URL leads and follows it until it is ready.
func sendFile(t *testing.T, call func(method, path, token, body string, status int) string, token string) {
	t.Helper()
	const content = "The fox says nothing.\n"
	body := fmt.Sprintf(`{"name":"fox.txt","size":%d,"content_type":"text/plain","sha256":"%x"}`, len(content), sha256.Sum256([]byte(content)))
	var upload struct {
		ID    string `json:"file_id"`
		Parts []struct {
			URL     string
			Headers map[string]string
		}
	}
	if err := json.Unmarshal([]byte(call("POST", "/v1/uploads", token, body, 201)), &upload); err != nil || len(upload.Parts) != 1 {
		t.Fatalf("%v: %+v", err, upload)
	}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", upload.Parts[0].URL, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range upload.Parts[0].Headers {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(err, res)
	}
	res.Body.Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		file := call("GET", "/v1/files/"+upload.ID, token, "", 200)
		if strings.Contains(file, `"status":"ready"`) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not ready in a minute: %s", file)
		}
	}
}

// startAPI starts sam local start-api and returns its address.
func (l *local) startAPI(t *testing.T) string {
	t.Helper()
	port := freePort(t)
	cmd := l.sam(t, append([]string{"local", "start-api", "--host", "127.0.0.1", "--port", fmt.Sprint(port),
		"--warm-containers", "EAGER"}, l.flags...)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // it removes its containers
		cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	base, began := fmt.Sprintf("http://127.0.0.1:%d", port), time.Now()
	for time.Since(began) < 3*time.Minute {
		if res, err := http.Get(base + "/"); err == nil {
			res.Body.Close()
			t.Logf("start-api answers after %.1f s", time.Since(began).Seconds())
			return base
		}
		time.Sleep(300 * time.Millisecond)
	}
	t.Fatal("start-api doesn't answer")
	return ""
}

// sam is the SAM CLI with an argument list.
func (l *local) sam(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), l.cli, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}
