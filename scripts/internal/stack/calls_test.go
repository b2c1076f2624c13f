package stack

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A function's log group, whose name ends as the function's, must not stand for it.
func TestNamesOfWhatCallsAndIsCalled(t *testing.T) {
	resource := func(kind, logical, physical string) string {
		return fmt.Sprintf("<member><ResourceType>%s</ResourceType><LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId></member>", kind, logical, physical)
	}
	stacks := map[string]string{
		"parley": resource("AWS::CloudFormation::Stack", "Functions", "inner") + resource("AWS::SQS::Queue", "PurgeQueue", "http://127.0.0.1:4566/000000000000/purge-1"),
		"inner":  resource("AWS::Lambda::Function", "PurgeFunction", "parley-purge-2") + resource("AWS::Logs::LogGroup", "PurgeLogs", "/aws/lambda/parley-purge-2"),
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<R><DescribeStackResourcesResult><StackResources>%s</StackResources></DescribeStackResourcesResult></R>", stacks[r.FormValue("StackName")])
	}))
	defer srv.Close()
	got := map[string]string{}
	if err := (cloud{url: srv.URL, region: "us-east-1"}).names(t.Context(), "parley", got); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"purge-1": "PurgeQueue", "parley-purge-2": "PurgeFunction"}; !maps.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}
