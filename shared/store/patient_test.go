package store_test

import (
	"net/http"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/store"
)

// A client that is patient has its own time, and leaves the one that it is made of as
// it was.
func TestPatientIsOneClientOnly(t *testing.T) {
	usual := awshttp.NewBuildableClient().WithTimeout(25 * time.Second)
	o := s3.Options{HTTPClient: usual}
	store.Patient(4*time.Minute, func(t *http.Transport) { t.MaxIdleConnsPerHost = 128 })(&o)
	is := o.HTTPClient.(*awshttp.BuildableClient)
	if tr := is.GetTransport(); is.GetTimeout() != 4*time.Minute || tr.ResponseHeaderTimeout != time.Minute || tr.MaxIdleConnsPerHost != 128 {
		t.Errorf("%v for a call, %v until S3 says something, %d connections", is.GetTimeout(), tr.ResponseHeaderTimeout, tr.MaxIdleConnsPerHost)
	}
	if tr := usual.GetTransport(); usual.GetTimeout() != 25*time.Second || tr.ResponseHeaderTimeout == time.Minute || tr.MaxIdleConnsPerHost == 128 {
		t.Errorf("the usual client has %v for a call now", usual.GetTimeout())
	}
}
