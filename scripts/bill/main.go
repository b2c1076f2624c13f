// Bill makes a month's bill on this machine, by the same core as the function
// billing-report: what Parley costs, per function and per answer. It is what make
// bill runs.
//
// It reads the REPORT lines and usage records of a running make run, or files of a
// real account, and writes a page, CSV and JSON into a folder that is laid out as
// finance's bucket is: docs/finance.md.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/term"

	"parley/docs"
	"parley/shared/bill"
	"parley/shared/finance"
	"parley/shared/store"
	"parley/shared/usage"
)

const help = `Usage: bill [flags]

Makes the bill of a month: a page, CSV and JSON in DIR/bills/MONTH/.

Without --from-logs it reads what the functions of a running make run have
logged and what its replies have used. With it, nothing has to run:

  --from-logs FILE,…  files of REPORT lines, gzipped or not: what CloudWatch
                      Logs exports or hands to Firehose. The function of plain
                      lines is named by a folder: function=NAME/….
  --focus FILE,…      the invoice: an export in FOCUS 1.2 (CSV, may be gzipped)
  --cur FILE,…        the same in CUR 2.0; beside --focus it is compared

DIR/settings.json holds budgets and rates (docs/finance.md). Hours that were
summed up once are kept in DIR/partials and read again only when their files
have changed.

  --who ID            prints the pseudonym that the user of this id has on bills,
                      and the id; --who - reads ids, one a line, from standard
                      input. --key names the key of the bills that are meant.

Flags:
`

type options struct {
	month, out, who, key string
	logs, focus, cur     list
	stack, port          string
	quiet                bool
	now                  func() time.Time
}

// list is a flag of several values.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = append(*l, strings.Split(s, ",")...)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bill:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out, log io.Writer) error {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	key, err := o.loadKey()
	if err != nil {
		return err
	}
	if o.who != "" {
		return who(key, o.who, in, out)
	}
	defaults, err := bill.DefaultSettings(docs.Prices)
	if err != nil {
		return err
	}
	progress := meter(log, o.quiet)
	c := &bill.Clerk{Bucket: folder(o.out), Key: key, Settings: defaults, Now: o.now, Settle: -time.Hour, Progress: progress,
		Log: slog.New(slog.NewTextHandler(log, nil))}
	if err := o.bring(ctx, c, progress, log); err != nil {
		return err
	}
	b, err := c.Do(ctx, o.month)
	if err != nil {
		return err
	}
	return tell(out, o, b)
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{now: time.Now}
	f := flag.NewFlagSet("bill", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() { fmt.Fprint(out, help); f.PrintDefaults() }
	f.StringVar(&o.month, "month", o.now().UTC().Format("2006-01"), "`YYYY-MM`, in UTC")
	f.StringVar(&o.out, "out", filepath.Join(cmp.Or(os.Getenv("DATA_DIR"), ".data"), "bill"), "`DIR` that stands for finance's bucket")
	f.Var(&o.logs, "from-logs", "`FILES` of REPORT lines instead of those of make run")
	f.Var(&o.focus, "focus", "`FILES` of an export in FOCUS 1.2")
	f.Var(&o.cur, "cur", "`FILES` of an export in CUR 2.0")
	f.StringVar(&o.who, "who", "", "print the pseudonym of the user with this `ID`, and make no bill")
	f.StringVar(&o.key, "key", "", "`FILE` with the key of the pseudonyms; without it DIR/pseudonym.key, made if it isn't there")
	f.StringVar(&o.stack, "stack", "parley", "CloudFormation stack in make run's embedded AWS")
	f.StringVar(&o.port, "aws-port", cmp.Or(os.Getenv("AWS_PORT"), "4566"), "port of make run's embedded AWS")
	f.BoolVar(&o.quiet, "quiet", false, "say nothing but where the bill is")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is too much: bill --help", f.Arg(0))
	}
	if _, err := time.Parse("2006-01", o.month); err != nil {
		return o, fmt.Errorf("--month %q: it is written YYYY-MM, such as 2026-11", o.month)
	}
	return o, nil
}

// bring gets the material into the folder: from files, or from make run.
func (o options) bring(ctx context.Context, c *bill.Clerk, progress func(string, int, int), log io.Writer) error {
	for prefix, files := range map[string]list{bill.FocusPrefix: o.focus, bill.CURPrefix: o.cur} {
		if err := o.copyIn(ctx, c.Bucket, prefix+"data/BILLING_PERIOD="+o.month+"/", files); err != nil {
			return err
		}
	}
	if len(o.logs) > 0 {
		return o.importLines(ctx, c, progress)
	}
	cfg, err := o.embedded(ctx)
	if err != nil {
		return err
	}
	start, _ := time.Parse("2006-01", o.month)
	lines, err := collect(ctx, cloudwatchlogs.NewFromConfig(cfg), c.Bucket, start.AddDate(0, 0, -7*bill.MostWeeks), start.AddDate(0, 1, 0), progress)
	if err != nil {
		return err
	}
	if !o.quiet {
		fmt.Fprintf(log, "%d REPORT lines of this month and the weeks before it are in CloudWatch Logs\n", lines)
	}
	bucket, err := o.usageBucket(ctx, cfg)
	if err != nil {
		return err
	}
	c.Usage = store.NewUsage(s3.NewFromConfig(cfg), bucket)
	c.Inventory = finance.NewFunctions(cfg)
	return nil
}

// copyIn copies an export's files in, under names of their own.
func (o options) copyIn(ctx context.Context, to bill.Bucket, prefix string, files list) error {
	for i, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		ext := ".csv"
		if strings.HasSuffix(name, ".gz") {
			ext = ".csv.gz"
		}
		if err := to.Put(ctx, fmt.Sprintf("%s%05d%s", prefix, i+1, ext), "text/csv", b); err != nil {
			return err
		}
	}
	return nil
}

// importLines sums up files of lines as they lie: they may be large, so they are not
// copied.
func (o options) importLines(ctx context.Context, c *bill.Clerk, progress func(string, int, int)) error {
	l := bill.NewLines(bill.NewSeen(bill.Remembered))
	l.Default, _ = time.Parse("2006-01", o.month)
	l.Progress = func(lines int64) { progress("million lines", int(lines>>20), 0) }
	for i, name := range o.logs {
		progress("files", i, len(o.logs))
		if err := readLines(l, name); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	progress("files", len(o.logs), len(o.logs))
	c.Lines = l.Partial()
	return nil
}

func readLines(l *bill.Lines, name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return l.File(filepath.ToSlash(name), in)
}

// embedded is the AWS of make run, whose keys are no secret.
func (o options) embedded(ctx context.Context) (aws.Config, error) {
	endpoint := "http://127.0.0.1:" + o.port
	if e := os.Getenv("AWS_ENDPOINT_URL"); e != "" && os.Getenv("PARLEY_URL") != "" { // a command of make run's
		endpoint = e
	}
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": ""} {
		if err := os.Setenv(name, value); err != nil {
			return aws.Config{}, err
		}
	}
	return store.AWS(ctx)
}

func (o options) usageBucket(ctx context.Context, cfg aws.Config) (string, error) {
	if b := os.Getenv("USAGE_BUCKET"); b != "" {
		return b, nil
	}
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &o.stack})
	if err != nil {
		return "", fmt.Errorf("the stack %q of make run can't be read: %w", o.stack, err)
	}
	for _, s := range out.Stacks {
		for _, v := range s.Outputs {
			if aws.ToString(v.OutputKey) == "UsageBucket" {
				return aws.ToString(v.OutputValue), nil
			}
		}
	}
	return "", fmt.Errorf("the stack %q has no output UsageBucket", o.stack)
}

// loadKey reads the key of the pseudonyms, and makes it where none is and none was
// asked for: random, and readable by nobody else.
func (o options) loadKey() ([]byte, error) {
	path := cmp.Or(o.key, filepath.Join(o.out, "pseudonym.key"))
	key, err := os.ReadFile(path)
	if key = bytes.TrimSpace(key); err == nil && len(key) < 32 {
		return nil, fmt.Errorf("%s is too short for a key", path)
	}
	if !errors.Is(err, fs.ErrNotExist) || o.key != "" {
		return key, err
	}
	key = []byte(rand.Text() + rand.Text())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, append(key, '\n'), 0o600)
}

// who prints pseudonyms and whose they are.
func who(key []byte, ids string, in io.Reader, out io.Writer) error {
	if ids != "-" {
		in = strings.NewReader(ids)
	}
	lines := bufio.NewScanner(in)
	w := bufio.NewWriter(out)
	for lines.Scan() {
		if id := strings.TrimSpace(lines.Text()); id != "" {
			fmt.Fprintln(w, bill.Alias(key, usage.Pseudonym(id)), id)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return lines.Err()
}

// meter draws how far the work is on one line, if somebody sees it.
func meter(log io.Writer, quiet bool) func(what string, done, of int) {
	file, ok := log.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(file.Fd())) {
		return func(string, int, int) {}
	}
	return func(what string, done, of int) {
		switch {
		case of == 0:
			fmt.Fprintf(log, "\r%s: %d\033[K", what, done)
		case done < of:
			fmt.Fprintf(log, "\r%s: %d of %d\033[K", what, done, of)
		default:
			fmt.Fprint(log, "\r\033[K")
		}
	}
}

// tell says in a few lines what the bill says.
func tell(out io.Writer, o options, b *bill.Bill) error {
	page := filepath.Join(o.out, bill.BillsPrefix, b.Month, "bill.html")
	if o.quiet {
		_, err := fmt.Fprintln(out, page)
		return err
	}
	fmt.Fprintf(out, "%s, net so far %s %s, forecast %s; %d requests of %d functions, %d answers", b.Month, b.Whole.Net.Fixed(6), b.Currency, b.Whole.Forecast.Fixed(6),
		b.Total.Requests, len(b.Functions), b.Answered.Done)
	if b.Answered.Done > 0 {
		fmt.Fprintf(out, ", %s per thousand", b.Answered.Thousand.Fixed(4))
	}
	fmt.Fprintln(out)
	if n := b.Faults(); n > 0 {
		fmt.Fprintf(out, "%d rows can't be read: they are listed at the end of the page and in unreadable.csv\n", n)
	}
	_, err := fmt.Fprintln(out, page)
	return err
}
