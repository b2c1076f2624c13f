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

// Parameters by which the edge proves itself, of which files hold nothing.
const (
	EdgeSecret       = "EdgeSecret"
	EdgeSecretBefore = "EdgeSecretBefore"
)

// reference is ${STACK.OUTPUT}.
var reference = regexp.MustCompile(`\$\{([a-z0-9-]+)\.([A-Za-z0-9]+)\}`)

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
			errs = append(errs, fmt.Errorf("%s/%s.yaml:\n%w", e.Name, t.Name, err))
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
		case !has && p.Default == nil:
			bad(name, errors.New("is missing"))
		case !has:
		case reference.MatchString(value):
			if err := known(value, all); err != nil {
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

// known says whether each reference in value leads to an output.
func known(value string, all map[string]*Template) error {
	for _, m := range reference.FindAllStringSubmatch(value, -1) {
		if all[m[1]] == nil {
			return fmt.Errorf("there is no stack %s", m[1])
		}
		if _, has := all[m[1]].Outputs[m[2]]; !has {
			return fmt.Errorf("%s has no output %s", m[1], m[2])
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
// another stack's output is, secrets are the values that no file holds; one that
// the template has no parameter for is left out.
func (t *Target) Resolve(template *Template, output func(target, name string) (string, error), secrets map[string]string) (map[string]string, error) {
	given := t.Given(template)
	var errs []error
	for name, value := range given {
		resolved, err := resolve(value, output)
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

func resolve(value string, output func(target, name string) (string, error)) (string, error) {
	var errs []error
	resolved := reference.ReplaceAllStringFunc(value, func(found string) string {
		m := reference.FindStringSubmatch(found)
		v, err := output(m[1], m[2])
		if err != nil {
			errs = append(errs, err)
		}
		return v
	})
	return resolved, errors.Join(errs...)
}

// References are the other stacks whose outputs this one is given.
func (t *Target) References(template *Template) []string {
	seen := map[string]bool{}
	for _, value := range t.Given(template) {
		for _, m := range reference.FindAllStringSubmatch(value, -1) {
			seen[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// String names the stack for people.
func (t *Target) String() string {
	return strings.Join([]string{t.Stack, "in", t.Region}, " ")
}
