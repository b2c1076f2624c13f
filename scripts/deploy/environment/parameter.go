package environment

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Parameters of which files hold nothing: those by which the edge proves itself, and
// the one by which functions get new versions, for the alias that they are called by
// moves only when it changes.
const (
	EdgeSecret       = "EdgeSecret"
	EdgeSecretBefore = "EdgeSecretBefore"
	Release          = "Release"
)

// reference is ${STACK.OUTPUT}, or ${STACK.OUTPUT?}.
var reference = regexp.MustCompile(`\$\{([a-z0-9-]+)\.([A-Za-z0-9]+)(\?)?\}`)

// ErrAbsent is what there is of an output whose stack isn't deployed yet.
var ErrAbsent = errors.New("isn't deployed yet")

// Check says everything that is wrong with an environment: parameters that no
// template has, that are missing or not allowed, references that lead nowhere.
// What a reference will stand for can't be known here; its value is checked by
// Resolve.
func (e *Environment) Check(root string) error {
	templates := map[string]*Template{}
	var errs []error
	for _, t := range e.Order() {
		template, err := ReadTemplate(filepath.Join(root, t.Template))
		if err != nil {
			return err
		}
		templates[t.Name] = template
	}
	unused := map[string]bool{}
	for _, t := range e.Order() {
		for name := range t.shared {
			if _, done := unused[name]; !done {
				unused[name] = true
			}
			if _, has := templates[t.Name].Parameters[name]; has {
				unused[name] = false
			}
		}
		if err := t.check(templates[t.Name], templates); err != nil {
			errs = append(errs, fmt.Errorf("%s/%s:\n%w", e.Name, t.Name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		if unused[name] {
			errs = append(errs, fmt.Errorf("%s/environment.yaml: no template has a parameter %s", e.Name, name))
		}
	}
	return errors.Join(errs...)
}

// check holds one stack's parameters against its template.
func (t *Target) check(template *Template, all map[string]*Template) error {
	var errs []error
	bad := func(name string, err error) { errs = append(errs, fmt.Errorf("  %s: %w", name, err)) }
	for name := range t.parameters {
		if _, has := template.Parameters[name]; !has {
			bad(name, fmt.Errorf("%s has no such parameter", t.Template))
		}
	}
	given := t.Given(template)
	for _, name := range slices.Sorted(maps.Keys(template.Parameters)) {
		p := template.Parameters[name]
		value, has := given[name]
		switch {
		case p.NoEcho && has:
			bad(name, errors.New("is a secret, which no file may hold"))
		case p.NoEcho && p.Default == nil && name != EdgeSecret:
			bad(name, errors.New("is a secret that nobody supplies"))
		case p.NoEcho: // comes from Secrets Manager
		case name == Release && has:
			bad(name, errors.New("is another with each deployment, and in no file"))
		case name == Release:
		case !has && p.Default == nil:
			bad(name, errors.New("is missing"))
		case !has:
		case reference.MatchString(value):
			if err := t.known(value, all); err != nil {
				bad(name, err)
			}
		default:
			if err := p.fits(value); err != nil {
				bad(name, err)
			}
		}
	}
	return errors.Join(errs...)
}

// meant is the stack that a reference names.
func (t *Target) meant(stack string) string {
	if stack == "here" {
		return t.Region
	}
	return stack
}

// known says whether each reference in value leads to an output.
func (t *Target) known(value string, all map[string]*Template) error {
	for _, m := range reference.FindAllStringSubmatch(value, -1) {
		stack := t.meant(m[1])
		if all[stack] == nil {
			return fmt.Errorf("there is no stack %s", stack)
		}
		if _, has := all[stack].Outputs[m[2]]; !has {
			return fmt.Errorf("%s has no output %s", stack, m[2])
		}
	}
	return nil
}

// Given are the values that files hold for the template: the stack's own, and of
// those that all share what the template has a parameter for.
func (t *Target) Given(template *Template) map[string]string {
	given := map[string]string{}
	for name, value := range t.shared {
		if _, has := template.Parameters[name]; has {
			given[name] = value
		}
	}
	maps.Copy(given, t.parameters)
	return given
}

// Resolve returns the parameters that the stack is deployed with. Output says what
// another stack's output is, or ErrAbsent; secrets are the values that no file
// holds, of which one that the template has no parameter for is left out. A value
// with a reference that may be absent is empty then.
func (t *Target) Resolve(template *Template, output func(target, name string) (string, error), secrets map[string]string) (map[string]string, error) {
	given := t.Given(template)
	var errs []error
	for name, value := range given {
		resolved, err := t.resolve(value, output)
		if err == nil {
			err = template.Parameters[name].fits(resolved)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		given[name] = resolved
	}
	for name, value := range secrets {
		p, has := template.Parameters[name]
		if !has {
			continue
		}
		if p.fits(value) != nil {
			errs = append(errs, fmt.Errorf("%s: the secret's value is not of the form that the template wants", name))
		}
		given[name] = value
	}
	return given, errors.Join(errs...)
}

func (t *Target) resolve(value string, output func(target, name string) (string, error)) (string, error) {
	var errs []error
	absent := false
	resolved := reference.ReplaceAllStringFunc(value, func(found string) string {
		m := reference.FindStringSubmatch(found)
		v, err := output(t.meant(m[1]), m[2])
		switch {
		case errors.Is(err, ErrAbsent) && m[3] != "":
			absent = true
		case err != nil:
			errs = append(errs, err)
		}
		return v
	})
	if absent {
		resolved = ""
	}
	return resolved, errors.Join(errs...)
}

// String names the stack for people.
func (t *Target) String() string {
	return strings.Join([]string{t.Stack, "in", t.Region}, " ")
}
