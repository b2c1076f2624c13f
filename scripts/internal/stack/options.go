package stack

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"parley/shared/model"
)

// Options say where a stack lives. The zero value of every field but Root is
// good: it means the default.
type Options struct {
	Root string // the checkout: template.yaml, scripts/, .tools/
	Data string // folder for data and logs; default: Root/.data

	Port       int // front door: page and API; default 8080
	AWSPort    int // the embedded AWS; default 4566
	EnginePort int // the engine; default 8181
	ValkeyPort int // Valkey; default 6390

	// Models is the table of models, as shared/model reads it; default: the one
	// small model that the engine has.
	Models string

	Region string // of the embedded AWS; default us-east-1
	// Endpoint is where functions and fleet reach AWS; default: the embedded one.
	Endpoint string
	// Parameters of the template besides those of a laptop, as Name=value.
	Parameters []string
	// Build is a folder with the functions as another stack has built them from this
	// checkout; default: they are built.
	Build string

	// FreePorts makes a port of 0 mean any free one, not the default.
	FreePorts bool
	// WithoutFleet leaves worker and relay out.
	WithoutFleet bool
	// WithoutEngine leaves engine and Valkey out; whoever starts a fleet brings them.
	WithoutEngine bool
	// DynamoDB starts an exact DynamoDB in memory for tests besides; its
	// address is DYNAMODB_URL. Where there is none for this platform, there
	// is no such variable.
	DynamoDB bool
	// Calls is a file for what functions, worker and relay ask of AWS (package
	// policy), written by Stop; default: none, and nothing is recorded.
	Calls string
	// Progress gets one line for each step; default: nowhere.
	Progress io.Writer
}

// OptionsFromEnv reads DATA_DIR, MODELS, PORT, AWS_PORT, ENGINE_PORT and
// VALKEY_PORT. What is not set stays zero.
func OptionsFromEnv() (Options, error) {
	o := Options{Data: os.Getenv("DATA_DIR"), Models: os.Getenv("MODELS")}
	if _, err := model.Parse(o.Models); err != nil {
		return o, fmt.Errorf("MODELS: %w", err)
	}
	for _, p := range o.ports() {
		text := os.Getenv(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return o, fmt.Errorf("%s=%q is not a port: give a number from 1 to 65535", p.name, text)
		}
		*p.port = int(n)
	}
	return o, nil
}

// A namedPort is a port of Options with its variable and its default.
type namedPort struct {
	name     string
	port     *int
	standard int
}

func (o *Options) ports() []namedPort {
	return []namedPort{
		{"PORT", &o.Port, 8080},
		{"AWS_PORT", &o.AWSPort, 4566},
		{"ENGINE_PORT", &o.EnginePort, 8181},
		{"VALKEY_PORT", &o.ValkeyPort, 6390},
	}
}

// complete fills in what is not set, with absolute paths.
func (o *Options) complete() error {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return err
	}
	data, err := filepath.Abs(cmp.Or(o.Data, filepath.Join(root, ".data")))
	if err != nil {
		return err
	}
	o.Root, o.Data, o.Region = root, data, cmp.Or(o.Region, "us-east-1")
	o.Endpoint = strings.TrimRight(o.Endpoint, "/")
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o.choosePorts()
}

// choosePorts gives every port its number and checks that it is free.
func (o *Options) choosePorts() error {
	taken := map[int]string{}
	for _, p := range o.ports() {
		if *p.port == 0 && !o.FreePorts {
			*p.port = p.standard
		}
		if *p.port == 0 {
			free, err := freePort()
			if err != nil {
				return err
			}
			*p.port = free
		}
		if other := taken[*p.port]; other != "" {
			return fmt.Errorf("%s and %s are both %d: set one of them to another port", other, p.name, *p.port)
		}
		taken[*p.port] = p.name
		if err := checkFree(*p.port); err != nil {
			return fmt.Errorf("port %d is taken: set %s to a free one", *p.port, p.name)
		}
	}
	return nil
}

// checkFree reports whether a server could listen on the port now.
func checkFree(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// freePort asks the kernel for a port that nobody uses at the moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", loopback(0))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
