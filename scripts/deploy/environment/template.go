package environment

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Template is a template as far as its parameters, its outputs and what it nests go.
type Template struct {
	Parameters map[string]Parameter `yaml:"Parameters"`
	Outputs    map[string]yaml.Node `yaml:"Outputs"`
	Resources  yaml.Node            `yaml:"Resources"`
}

// Complete are the parameters of a stack that is given some of them: the others have
// their defaults.
func (t *Template) Complete(given map[string]string) map[string]string {
	all := map[string]string{}
	for name, p := range t.Parameters {
		if value, has := given[name]; has {
			all[name] = value
		} else if p.Default != nil {
			all[name] = *p.Default
		}
	}
	return all
}

// hasOutput tells whether there is an output of that name; one of a loop may be.
func (t *Template) hasOutput(name string) bool {
	for key := range t.Outputs {
		if key == name || strings.HasPrefix(key, "Fn::ForEach::") {
			return true
		}
	}
	return false
}

// Parameter is what a template says of one.
type Parameter struct {
	Type    string   `yaml:"Type"`
	Default *string  `yaml:"Default"`
	NoEcho  bool     `yaml:"NoEcho"`
	Allowed []string `yaml:"AllowedValues"`
	Pattern string   `yaml:"AllowedPattern"`
	Min     *float64 `yaml:"MinValue"`
	Max     *float64 `yaml:"MaxValue"`
	Least   *int     `yaml:"MinLength"`
	Most    *int     `yaml:"MaxLength"`
}

const largestTemplate = 1 << 20 // CloudFormation's own bound

// ReadTemplate reads a template of the checkout. Tags such as !Ref are read as what
// they are on.
func ReadTemplate(path string) (*Template, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestTemplate+1))
	if err != nil {
		return nil, err
	}
	if len(text) > largestTemplate {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, largestTemplate)
	}
	t := &Template{}
	if err := yaml.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Nested lists the template at path in the checkout and all that it nests.
func Nested(root, path string) ([]string, error) {
	t, err := ReadTemplate(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	all := []string{path}
	for _, location := range applications(&t.Resources) {
		inner, err := Nested(root, filepath.Join(filepath.Dir(path), location))
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// applications are the locations of nested templates below a node; they may be in
// a loop (Fn::ForEach), so that the way to them is not always the same.
func applications(node *yaml.Node) []string {
	var found []string
	if node.Kind == yaml.MappingNode {
		var r struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Location string `yaml:"Location"`
			} `yaml:"Properties"`
		}
		if node.Decode(&r) == nil && r.Type == "AWS::Serverless::Application" && r.Properties.Location != "" {
			return []string{r.Properties.Location}
		}
	}
	for _, inner := range node.Content {
		found = append(found, applications(inner)...)
	}
	return found
}

// fits says what is wrong with a value, as CloudFormation would.
func (p Parameter) fits(value string) error {
	if p.Pattern != "" {
		form, err := regexp.Compile("^(?:" + p.Pattern + ")$")
		if err != nil {
			return fmt.Errorf("the template's AllowedPattern can't be read: %w", err)
		}
		if !form.MatchString(value) {
			return fmt.Errorf("%q is not of the form %s", value, p.Pattern)
		}
	}
	if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
		return fmt.Errorf("%q is none of %q", value, p.Allowed)
	}
	if p.Type == "Number" {
		return p.fitsNumber(value)
	}
	if p.Least != nil && len(value) < *p.Least || p.Most != nil && len(value) > *p.Most {
		return fmt.Errorf("%d characters are too few or too many", len(value))
	}
	return nil
}

func (p Parameter) fitsNumber(value string) error {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", value)
	}
	if p.Min != nil && n < *p.Min || p.Max != nil && n > *p.Max {
		return fmt.Errorf("%s is out of bounds", value)
	}
	return nil
}
