package extract

import (
	"context"
	"fmt"
	"os"
	"time"

	"parley/shared/extract/child"
	"parley/shared/file"
	"parley/shared/passage"
)

// Result is what a file turned out to be.
type Result struct {
	ContentType string // by its content
	Kind        file.Kind
	Pages       int               // of a document; sheets of a table, slides of a presentation; else 0
	Lines       int               // of a text without pages; else 0
	Width       int               // of an image, in pixels, as it is to be seen
	Height      int               // of an image, in pixels, as it is to be seen
	Note        *file.Remark      // what could not be done, or nil
	Document    *passage.Document // the text, or nil if there is none
	Thumbnail   []byte            // of an image, as JPEG, or nil
	Picture     []byte            // the copy of an image that is sent to models, or nil
	PictureType string            // content type of Picture, or empty
	Cause       string            // why there is a note, for operators: as the child put it, or empty
	Unlocked    bool              // Linux left all calls to the kernel to the child: a wall was missing
	Cost        Cost
}

// Cost is what reading took.
type Cost struct {
	CPU    time.Duration // of the child, all threads
	Wall   time.Duration
	Memory int64 // bytes that the child held at most, or this process when it started it
}

// Default limits of a Runner.
const (
	DefaultMemory = 768 << 20
	DefaultCPU    = 45 * time.Second
	DefaultWall   = 60 * time.Second
	DefaultOutput = 64 << 20
)

// Runner reads files, each in a child process of its own. Its zero value is ready
// for use and has the default limits.
type Runner struct {
	Memory  int64         // bytes of data that a child may hold
	CPU     time.Duration // processor time that a child may use, in whole seconds
	Wall    time.Duration // how long a child may run
	Output  int64         // bytes of a child's answer
	Program string        // path of the program that is the child; empty: this one
	Cache   string        // folder for the compiled PDFium; empty: one in the folder for temporary files
}

func (r Runner) withDefaults() (Runner, error) {
	if r.Memory == 0 {
		r.Memory = DefaultMemory
	}
	if r.CPU == 0 {
		r.CPU = DefaultCPU
	}
	if r.Wall == 0 {
		r.Wall = DefaultWall
	}
	if r.Output == 0 {
		r.Output = DefaultOutput
	}
	if r.Program == "" {
		self, err := os.Executable()
		if err != nil {
			return r, fmt.Errorf("find the program that reads files: %w", err)
		}
		r.Program = self
	}
	return r, nil
}

// Run reads the file at path, whose sender called it name and said that it is of
// type declared. Whatever the file does to the child, Run returns a Result, with a
// Note if something could not be done; its error says that this machine could not
// start a child, or that ctx ended: the same file may be read later.
func (r Runner) Run(ctx context.Context, path, name, declared string) (Result, error) {
	r, err := r.withDefaults()
	if err != nil {
		return Result{}, err
	}
	in, err := os.Open(path)
	if err != nil {
		return Result{}, fmt.Errorf("open a file to read: %w", err)
	}
	defer in.Close()
	folder, err := r.prepared(ctx, in)
	if err != nil {
		return Result{}, err
	}
	job := child.Job{Name: name, Declared: declared, Memory: r.Memory, CPU: seconds(r.CPU), Cache: folder}
	done, err := r.start(ctx, in, job)
	if err != nil {
		return Result{}, err
	}
	if done.exit == child.NotStarted {
		return Result{}, r.notStarted(folder, done)
	}
	return done.result(), nil
}

// seconds rounds up: a limit of less than a second would be none.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
