// Package environment reads what is deployed where: a folder for each environment,
// and checks it against the templates.
//
// In such a folder environment.yaml says what all stacks share. Each region is a
// file named after it (eu-west-2.yaml): the parameters of template.yaml there, and
// under the names of parts (origin, fleet, lines) those of what else a region has.
// edge.yaml is the stack for all regions and billing.yaml the one of the account. A
// value may have ${STACK.OUTPUT} in it, the output of another stack of the
// environment: eu-west-2 is that of template.yaml there, eu-west-2-fleet its fleet;
// here is the one of template.yaml in the same region. With ? before the } the value
// is empty until that stack is there, for stacks that need each other.
//
// What this promises: a key that nobody knows, a parameter that no template has,
// one that is missing and a value that the template doesn't allow are refused
// before AWS is asked, each by its name and all at once. Secrets can't stand in
// these files.
package environment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Environment is a folder of parameter files.
type Environment struct {
	Name    string
	Account string   // of twelve digits; others are refused
	Stack   string   // name of a region's stack
	Home    string   // the region that is deployed first; the edge's secret is there
	Serving []string // regions that users are led to, the home among them
	Standby []string // regions that take over
	Secret  string   // name of the edge's secret at Secrets Manager
	Origin  string   // where users reach the environment

	targets map[string]*Target
}

// Target is one stack.
type Target struct {
	Name     string // eu-west-2, eu-west-2-fleet, edge
	Part     string // of a region: origin, fleet, lines; else empty
	Region   string
	Stack    string
	Template string // path in the checkout

	parameters map[string]string
	shared     map[string]string
}

// file is environment.yaml as it is written.
type file struct {
	Account  string   `yaml:"account"`
	Stack    string   `yaml:"stack"`
	Home     string   `yaml:"home"`
	Serving  []string `yaml:"serving"`
	Standby  []string `yaml:"standby"`
	Secret   string   `yaml:"secret"`
	URL      string   `yaml:"url"`
	sections `yaml:",inline"`
}

// sections are parameters: of a stack, and of the parts of a region. A part that
// neither environment.yaml nor the region's file has isn't there.
type sections struct {
	Parameters map[string]string `yaml:"parameters"`
	Origin     map[string]string `yaml:"origin"`
	Fleet      map[string]string `yaml:"fleet"`
	Lines      map[string]string `yaml:"lines"`
}

func (s *sections) part(name string) map[string]string {
	switch name {
	case "origin":
		return s.Origin
	case "fleet":
		return s.Fleet
	case "lines":
		return s.Lines
	}
	return s.Parameters
}

const largestFile = 256 << 10

var (
	regionName  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	accountName = regexp.MustCompile(`^[0-9]{12}$`)
	stackName   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{0,99}$`)
	secretName  = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,256}$`)
	originName  = regexp.MustCompile(`^https?://[^/\s]+$`)
)

// parts of a region, in the order in which they need each other.
var parts = []struct{ name, template string }{
	{"", "template.yaml"},
	{"origin", "web/origin.template.yaml"},
	{"fleet", "fleet/template.yaml"},
	{"lines", "functions/billing-report/lines/template.yaml"},
}

// Templates of the stacks that are no region's.
const (
	edgeTemplate    = "web/template.yaml"
	billingTemplate = "functions/billing-report/template.yaml"
)

// edgeRegion is where CloudFront's firewall and certificates, and an account's
// bills, can be.
const edgeRegion = "us-east-1"

// Read reads an environment's folder.
func Read(folder string) (*Environment, error) {
	var f file
	if err := decodeFile(filepath.Join(folder, "environment.yaml"), &f); err != nil {
		return nil, err
	}
	e := &Environment{
		Name: filepath.Base(folder), Account: f.Account, Stack: f.Stack, Home: f.Home, Serving: f.Serving,
		Standby: f.Standby, Secret: f.Secret, Origin: f.URL, targets: map[string]*Target{},
	}
	if err := e.valid(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, "environment.yaml"), err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name, isYAML := strings.CutSuffix(entry.Name(), ".yaml")
		if !isYAML {
			return nil, fmt.Errorf("%s: only parameter files (.yaml) belong here", filepath.Join(folder, entry.Name()))
		}
		if name == "environment" {
			continue
		}
		if err := e.readStacks(folder, name, &f.sections); err != nil {
			return nil, err
		}
	}
	return e, e.whole()
}

// readStacks reads the stacks of one file.
func (e *Environment) readStacks(folder, name string, shared *sections) error {
	path := filepath.Join(folder, name+".yaml")
	var s sections
	if err := decodeFile(path, &s); err != nil {
		return err
	}
	alone := map[string]string{"edge": edgeTemplate, "billing": billingTemplate}
	if template := alone[name]; template != "" {
		if s.Origin != nil || s.Fleet != nil || s.Lines != nil {
			return fmt.Errorf("%s: only regions have parts", path)
		}
		e.targets[name] = &Target{Name: name, Region: edgeRegion, Stack: e.Stack + "-" + name, Template: template,
			parameters: s.Parameters, shared: shared.Parameters}
		return nil
	}
	if !slices.Contains(e.Regions(), name) {
		return fmt.Errorf("%s: %s is neither edge nor billing nor one of environment.yaml's regions", path, name)
	}
	for _, p := range parts {
		own, common := s.part(p.name), shared.part(p.name)
		suffix := ""
		if p.name != "" {
			suffix = "-" + p.name
			if own == nil && common == nil || p.name == "lines" && name == edgeRegion { // there billing has them
				continue
			}
		}
		t := &Target{Name: name + suffix, Part: p.name, Region: name, Stack: e.Stack + suffix, Template: p.template,
			parameters: maps.Clone(common), shared: shared.Parameters}
		if p.name == "" || t.parameters == nil {
			t.parameters = map[string]string{}
		}
		maps.Copy(t.parameters, own)
		e.targets[t.Name] = t
	}
	return nil
}

// decodeFile reads one document of YAML, with no key that out hasn't.
func decodeFile(path string, out any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return err
	}
	if err := decode(text, out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func decode(text []byte, out any) error {
	if len(text) > largestFile {
		return fmt.Errorf("longer than %d bytes", largestFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(out); err != nil && !errors.Is(err, io.EOF) { // nothing but comments is a document, too
		return err
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

// valid checks environment.yaml by itself.
func (e *Environment) valid() error {
	var errs []error
	for _, c := range []struct {
		key, value string
		form       *regexp.Regexp
	}{
		{"account", e.Account, accountName}, {"stack", e.Stack, stackName}, {"home", e.Home, regionName},
		{"secret", e.Secret, secretName}, {"url", e.Origin, originName},
	} {
		if !c.form.MatchString(c.value) {
			errs = append(errs, fmt.Errorf("%s: %q is not of the form %s", c.key, c.value, c.form))
		}
	}
	seen := map[string]bool{}
	for _, region := range e.Regions() {
		if !regionName.MatchString(region) {
			errs = append(errs, fmt.Errorf("%q is not the name of a region", region))
		}
		if seen[region] {
			errs = append(errs, fmt.Errorf("%s is named twice", region))
		}
		seen[region] = true
	}
	if !slices.Contains(e.Serving, e.Home) {
		errs = append(errs, fmt.Errorf("home: %s doesn't serve", e.Home))
	}
	return errors.Join(errs...)
}

// whole checks that each region has its file.
func (e *Environment) whole() error {
	var errs []error
	for _, region := range e.Regions() {
		if e.targets[region] == nil {
			errs = append(errs, fmt.Errorf("%s: there is no %s.yaml", e.Name, region))
		}
	}
	return errors.Join(errs...)
}

// Regions are those that serve and then those that stand by, the home first.
func (e *Environment) Regions() []string {
	all := slices.Concat(e.Serving, e.Standby)
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Compare(b2i(a != e.Home), b2i(b != e.Home))
	})
	return all
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Target returns the stack of that name.
func (e *Environment) Target(name string) (*Target, error) {
	if t := e.targets[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("environment %s has no %s: it has %s", e.Name, name,
		strings.Join(slices.Sorted(maps.Keys(e.targets)), ", "))
}

// Order is the order in which stacks need each other: the home's data, which other
// regions may copy, the other regions, the edge that leads to them, the bill.
func (e *Environment) Order() []*Target {
	var order, lines []*Target
	for _, region := range e.Regions() {
		for _, p := range parts {
			name := region
			if p.name != "" {
				name += "-" + p.name
			}
			switch t := e.targets[name]; {
			case t == nil:
			case p.name == "lines":
				lines = append(lines, t)
			default:
				order = append(order, t)
			}
		}
	}
	for _, name := range []string{"edge", "billing"} {
		if t := e.targets[name]; t != nil {
			order = append(order, t)
		}
	}
	return append(order, lines...)
}

// Stacks are those of a region, of the edge or of billing, in their order; the name
// of a single one is that one.
func (e *Environment) Stacks(name string) ([]*Target, error) {
	var stacks []*Target
	for _, t := range e.Order() {
		if t.Region == name && t.Part != "lines" && t.Name != "edge" && t.Name != "billing" ||
			name == "billing" && (t.Name == "billing" || t.Part == "lines") || t.Name == name && t.Region != name {
			if !slices.Contains(stacks, t) {
				stacks = append(stacks, t)
			}
		}
	}
	if len(stacks) > 0 {
		return stacks, nil
	}
	_, err := e.Target(name)
	return nil, err
}
