package stack

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLocalAPI(t *testing.T) {
	c := cloud{url: "http://127.0.0.1:4566"}
	for in, want := range map[string]string{
		"https://c7ce5ac1.execute-api.us-east-1.amazonaws.com":      "http://127.0.0.1:4566/_aws/execute-api/c7ce5ac1/$default",
		"https://c7ce5ac1.execute-api.us-east-1.amazonaws.com/":     "http://127.0.0.1:4566/_aws/execute-api/c7ce5ac1/$default",
		"https://c7ce5ac1.execute-api.us-east-1.amazonaws.com/prod": "http://127.0.0.1:4566/_aws/execute-api/c7ce5ac1/prod",
		"http://c7ce5ac1.execute-api.127.0.0.1:4566":                "http://127.0.0.1:4566/_aws/execute-api/c7ce5ac1/$default",
		"https://api.example.com/v1":                                "https://api.example.com/v1",
	} {
		if got := c.localAPI(in); got != want {
			t.Errorf("localAPI(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestOutputsOfACompleteStackOnly(t *testing.T) {
	status := "UPDATE_COMPLETE"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("StackName") != "parley" {
			http.Error(w, "<Error/>", http.StatusBadRequest)
			return
		}
		w.Write([]byte(`<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
			<StackStatus>` + status + `</StackStatus><Outputs><member><OutputKey>ChatsTable</OutputKey><OutputValue>chats-1</OutputValue></member></Outputs>
			</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`))
	}))
	defer srv.Close()
	c := cloud{url: srv.URL, region: "us-east-1"}
	got, err := c.outputs(t.Context(), "parley")
	if err != nil || len(got) != 1 || got["ChatsTable"] != "chats-1" {
		t.Errorf("outputs = %v, %v", got, err)
	}
	status = "ROLLBACK_COMPLETE"
	if got, err := c.outputs(t.Context(), "parley"); !errors.Is(err, errNoStack) {
		t.Errorf("outputs of a rolled back stack = %v, %v", got, err)
	}
	if got, err := c.outputs(t.Context(), "other"); !errors.Is(err, errNoStack) {
		t.Errorf("outputs of no stack = %v, %v", got, err)
	}
}

func TestVariable(t *testing.T) {
	for in, want := range map[string]string{
		"AccountsTable": "ACCOUNTS_TABLE", "QueueUrlsFree": "QUEUE_URLS_FREE", "RotateKeysFunctionName": "ROTATE_KEYS_FUNCTION_NAME",
	} {
		if got := variable(in); got != want {
			t.Errorf("variable(%s) = %s, want %s", in, got, want)
		}
	}
}
