// Process-upload takes what users have sent through its stages: it reads the queue
// of arrivals in the files bucket. Files are read by a child process, which is this
// program as well.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/extract"
	"parley/shared/file"
	"parley/shared/function"
	"parley/shared/ingest"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	FilesTable  string  `env:"FILES_TABLE,required"`
	FilesBucket string  `env:"FILES_BUCKET,required"`
	FilesCopied bool    `env:"FILES_COPIED"` // to other regions, by S3
	Queue       string  `env:"FILES_QUEUE_URL,required"`
	Scanner     scanner `env:"MALWARE_SCAN" envDefault:"none"`
}

// scanner says whether there is one.
type scanner bool

// UnmarshalText takes the names that MALWARE_SCAN may have.
func (s *scanner) UnmarshalText(name []byte) error {
	*s = string(name) == "guardduty"
	if !*s && string(name) != "none" {
		return fmt.Errorf("there is no malware scanner %q, only none and guardduty", name)
	}
	return nil
}

func main() {
	extract.Child() // doesn't return in a child
	function.Main(build)
}

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	room, err := ingest.OpenRoom(os.TempDir())
	if err != nil {
		log.Error("no room for temporary files", "error", err.Error())
		os.Exit(1)
	}
	files := store.NewFiles(store.DynamoDB(cfg), c.FilesTable, "")
	bucket := object.New(s3.NewFromConfig(cfg, store.Patient(transfer)), c.FilesBucket).Copied(c.FilesCopied)
	p := &ingest.Processor{
		Files: files, Counts: counts{files, &file.Remover{Graves: files, Bytes: bucket}}, Incoming: bucket, Blobs: bucket, Reader: reader{log: log},
		Scanner: bool(c.Scanner), Room: room, Now: time.Now, Log: log,
	}
	return queue.NewArrivals(sqs.NewFromConfig(cfg), c.Queue, c.FilesBucket, log).Consume(p.Do)
}

// counts are the table's, with the removal of what counts no more.
type counts struct {
	*store.Files
	*file.Remover
}

// transfer is how long a call to S3 may take with all its bytes: 512 MB, to be read
// or copied.
const transfer = 4 * time.Minute

// reader has files read by package extract.
type reader struct {
	extract.Runner
	log *slog.Logger
}

// Read implements ingest.Reader.
func (r reader) Read(ctx context.Context, path, name, contentType string) (ingest.Reading, error) {
	found, err := r.Run(ctx, path, name, contentType)
	if found.Unlocked {
		r.log.WarnContext(ctx, "a file was read by a process that the kernel doesn't filter")
	}
	return ingest.Reading{
		ContentType: found.ContentType, Kind: found.Kind, Pages: found.Pages, Width: found.Width, Height: found.Height,
		Note: found.Note, Document: found.Document, Thumbnail: found.Thumbnail, Picture: found.Picture, PictureType: found.PictureType,
	}, err
}
