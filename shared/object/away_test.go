package object

import (
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/problem"
)

// TestAnS3ThatNeverAnswers keeps nobody waiting: connections to it stand open.
func TestAnS3ThatNeverAnswers(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	b := New(s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://" + silent.Addr().String()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}), "files")
	begin := time.Now()
	_, err = b.Arrival(t.Context(), file.File{User: "U", ID: "F"})
	if e := problem.From(err); e == nil || e.Kind != problem.Unavailable || e.RetryAfter != retryAfter {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took > patience+5*time.Second {
		t.Errorf("it took %v", took)
	}
}
