// Weights brings a model's files out of S3 to the disk of this machine, where they
// stay for engines that start later, and ends. It runs before an engine does.
//
// A model is named by the SHA-256 of its list of files, SHA256SUMS, as sha256sum
// writes it. Bucket and disk have the files in a folder of that name, so nobody can
// get others under it: what doesn't have its sum isn't kept, and a model's folder is
// there only when all of it is.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	settings "parley/shared/config"
)

type wanted struct {
	Bucket  string `env:"BUCKET,required,notEmpty"`
	Weights string `env:"WEIGHTS,required,notEmpty"` // SHA-256 of models/<it>/SHA256SUMS in the bucket
	Dir     string `env:"DIR,required,notEmpty"`     // the files go to a folder of that name in here
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("the weights are not there", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	want, err := settings.Load[wanted]()
	if err != nil {
		return err
	}
	// A file may take as long as it takes, as long as its bytes come at all.
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = 20 * time.Second })
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(client))
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	objects := s3.NewFromConfig(cfg)
	c := cache{dir: want.Dir, log: log, pause: time.Second, get: func(ctx context.Context, name string) (io.ReadCloser, error) {
		out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &want.Bucket, Key: aws.String("models/" + want.Weights + "/" + name)})
		if err != nil {
			return nil, err
		}
		return out.Body, nil
	}}
	return c.bring(ctx, want.Weights)
}
