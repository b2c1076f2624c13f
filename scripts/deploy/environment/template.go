package environment

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"parley/scripts/deploy/section"
)

// Template is a template as far as its parameters, its outputs and what it nests go.
type Template struct {
	Parameters map[string]Parameter  `yaml:"Parameters"`
	Outputs    section.Of[yaml.Node] `yaml:"Outputs"`
	Resources  section.Of[resource]  `yaml:"Resources"`
}

// resource is one that may be a template in its turn.
type resource struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Location yaml.Node `yaml:"Location"` // of other types, anything
	} `yaml:"Properties"`
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
	for _, r := range t.Resources {
		location := r.Properties.Location.Value
		if r.Type != "AWS::Serverless::Application" || location == "" {
			continue
		}
		inner, err := Nested(root, filepath.Join(filepath.Dir(path), location))
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
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
