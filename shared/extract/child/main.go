package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	fast "github.com/go-json-experiment/json"
	"github.com/klippa-app/go-pdfium"

	"parley/shared/file"
)

// maxStack bounds what recursion over a nested file may take, in bytes.
const maxStack = 64 << 20

// Exit statuses of a child.
const (
	Spent      = 3 // its processor time is spent
	NotStarted = 4 // it couldn't begin, and has seen nothing of its file
)

// NotLocked begins a child's complaint that all calls to the kernel are left to it.
const NotLocked = "not locked:"

// Main is a child's life: it limits itself, then reads the file and answers. The
// result is its exit status.
func Main(told string) int {
	var job Job
	if err := json.Unmarshal([]byte(told), &job); err != nil {
		return complain(err)
	}
	if err := limit(job); err != nil {
		complain(err)
		return NotStarted
	}
	debug.SetMemoryLimit(job.Memory / 4 * 3)
	debug.SetMaxStack(maxStack)
	// What a library prints must not get into the answer.
	out := os.Stdout
	os.Stdout = os.Stderr
	src, err := start(job)
	if err != nil {
		complain(err)
		return NotStarted
	}
	if job.Prepare {
		return 0
	}
	if err := live(src, bufio.NewWriter(out)); err != nil {
		return complain(err)
	}
	return 0
}

// start opens all that a child needs.
func start(job Job) (source, error) {
	src := source{Job: job}
	if job.Cache != "" {
		var err error
		if src.pdfium, err = openPDFium(context.Background(), job.Cache); err != nil {
			return src, err
		}
	}
	if job.Prepare {
		return src, nil
	}
	in := os.NewFile(3, "the file")
	info, err := in.Stat()
	if err != nil {
		return src, err
	}
	src.ReaderAt, src.size = in, info.Size()
	return src, nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// live reads the file that is open, and opens nothing more.
func live(src source, out *bufio.Writer) error {
	// A kernel without filters of calls leaves the other walls.
	if err := lock(); err != nil {
		fmt.Fprintln(os.Stderr, NotLocked, err)
	}
	kind, err := identify(src)
	if err != nil {
		return err
	}
	if err := say(out, Type{ContentType: kind.contentType}); err != nil {
		return err
	}
	return say(out, answer(src, kind))
}

func say(out *bufio.Writer, v any) error {
	if err := fast.MarshalWrite(out, v); err != nil {
		return err
	}
	return out.Flush()
}

// source is the file that is read.
type source struct {
	io.ReaderAt
	Job
	size   int64
	pdfium pdfium.Pdfium // if it may be a PDF
}

// reader returns a reader of the whole file.
func (s source) reader() *io.SectionReader { return io.NewSectionReader(s.ReaderAt, 0, s.size) }

// The ways in which a reader gives a file up. Any other error means that the file
// is unreadable.
var (
	errPassword    = errors.New("the file is protected by a password")
	errTooComplex  = errors.New("the file is out of proportion")
	errUnsupported = errors.New("nothing reads such files")
	errEmpty       = errors.New("the file is empty")
	errPixels      = errors.New("the image is too large")
)

var codes = map[error]string{
	errPassword: PasswordProtected, errTooComplex: TooComplex, errUnsupported: Unsupported, errEmpty: Empty,
	errPixels: TooManyPixels,
}

// code returns the note that says what err says.
func code(err error) string {
	for known, code := range codes {
		if errors.Is(err, known) {
			return code
		}
	}
	return Unreadable
}

// answer reads src as what it is. A reader's panic is a file that can't be read.
func answer(src source, k kind) (a Answer) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintln(os.Stderr, "panic:", r)
			a = Answer{Kind: file.Other, Note: Unreadable}
		}
	}()
	a, err := k.read(context.Background(), src)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return Answer{Kind: file.Other, Note: code(err)}
	}
	return a
}
