package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"parley/scripts/deploy/section"
)

// template is one template with those that are nested in it.
type template struct {
	path       string
	Parameters map[string]struct {
		Type        string `yaml:"Type"`
		Default     string `yaml:"Default"`
		Description string `yaml:"Description"`
	} `yaml:"Parameters"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Resources  section.Of[thing]    `yaml:"Resources"`
	Globals    struct {
		Function yaml.Node `yaml:"Function"`
	} `yaml:"Globals"`
	Outputs map[string]struct {
		Value yaml.Node `yaml:"Value"`
	} `yaml:"Outputs"`

	nested map[string]*template
	bound  map[string]given // parameters, by whoever uses this template
}

// given is what a template says that a parameter of one in it is.
type given struct {
	by   *template
	node *yaml.Node
}

// thing is a resource of a template.
type thing struct {
	Type       string    `yaml:"Type"`
	Properties yaml.Node `yaml:"Properties"`
}

// property returns a part of the thing's properties; nil if it has none of that name.
func (r thing) property(name string) *yaml.Node { return field(&r.Properties, name) }

// read reads a template and what is nested in it. What nested templates get as
// parameters is worked out when it is asked for.
func read(root, path string) (*template, error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	t := &template{path: path, nested: map[string]*template{}}
	if err := yaml.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name, r := range t.Resources {
		if r.Type != "AWS::Serverless::Application" {
			continue
		}
		location := r.property("Location")
		if location == nil || location.Value == "" {
			return nil, fmt.Errorf("%s: %s is nowhere", path, name)
		}
		nested, err := read(root, filepath.Join(filepath.Dir(path), location.Value))
		if err != nil {
			return nil, err
		}
		nested.bind(t, r.property("Parameters"))
		t.nested[name] = nested
	}
	return t, nil
}

// bind makes parameters what the template around this one says.
func (t *template) bind(outer *template, parameters *yaml.Node) {
	t.bound = map[string]given{}
	for name, node := range fields(parameters) {
		t.bound[name] = given{outer, node}
	}
}

func (t *template) output(name string) (any, error) {
	o, ok := t.Outputs[name]
	if !ok {
		return nil, fmt.Errorf("%s has no output %s", t.path, name)
	}
	return t.value(&o.Value)
}

// all lists a template and those in it.
func (t *template) all() []*template {
	all := []*template{t}
	for _, name := range slices.Sorted(maps.Keys(t.nested)) {
		all = append(all, t.nested[name].all()...)
	}
	return all
}

// Role is what one function or program may do.
type Role struct {
	// Of is whom it is for: a function's or a role's logical id.
	Of string
	// Apps are the names by which calls know it: the function's folder, or the
	// container's name. Without any, it isn't seen in tests.
	Apps       []string
	Statements []Statement
	// Managed are policies of AWS's own, which nobody here has written.
	Managed []string
	// Polled is the ARN of the queue that Lambda empties in the function's name.
	Polled string
}

// Roles reads the roles of all functions and of the fleet from the templates below a
// checkout's root. A role is as wide as the template's conditions can make it.
func Roles(root string) ([]Role, error) {
	all, err := templates(root)
	if err != nil {
		return nil, err
	}
	var roles []Role
	for _, t := range all {
		more, err := t.roles()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.path, err)
		}
		roles = append(roles, more...)
	}
	return roles, nil
}

// alone are templates that aren't nested in the root's: each is a stack of its own,
// given the root's outputs as parameters of the same names, and here and there more,
// which is what !Sub makes of a text in the root's template.
var alone = []struct {
	path string
	more map[string]string
}{
	{path: "fleet/template.yaml"},
	{path: "web/template.yaml"},
	{"functions/billing-report/template.yaml", map[string]string{"UsageBuckets": "${AWS::Region}=${Data.Outputs.UsageBucket}", "UsageBucketArns": "arn:${AWS::Partition}:s3:::${Data.Outputs.UsageBucket}"}},
}

func templates(root string) ([]*template, error) {
	first, err := read(root, "template.yaml")
	if err != nil {
		return nil, err
	}
	all := first.all()
	for _, stack := range alone {
		t, err := read(root, stack.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t.bound = map[string]given{}
		for name := range t.Parameters {
			if o, ok := first.Outputs[name]; ok {
				t.bound[name] = given{first, &o.Value}
			}
		}
		for name, text := range stack.more {
			t.bound[name] = given{first, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!Sub", Value: text}}
		}
		all = append(all, t.all()...)
	}
	return all, nil
}

func (t *template) roles() ([]Role, error) {
	tasks, err := t.tasks()
	if err != nil {
		return nil, err
	}
	polled, err := t.polled()
	if err != nil {
		return nil, err
	}
	var roles []Role
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		r, role := t.Resources[name], Role{Of: name}
		switch r.Type {
		case "AWS::Serverless::Function":
			code := r.property("CodeUri")
			if code == nil {
				return nil, fmt.Errorf("%s has no CodeUri", name)
			}
			role.Apps = []string{filepath.Base(filepath.Join(filepath.Dir(t.path), code.Value))}
			role.Managed = []string{"AWSLambdaBasicExecutionRole"} // by SAM, as is the next one
			if r.property("Tracing") != nil || field(&t.Globals.Function, "Tracing") != nil {
				role.Managed = append(role.Managed, "AWSXrayWriteOnlyAccess")
			}
			role.Polled = polled[name]
			err = t.granted(&role, r.property("Policies"))
			if err == nil {
				err = byEvents(&role, r.property("Events"))
			}
		case "AWS::IAM::Role":
			role.Apps = tasks[name]
			err = t.attached(&role, r)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		roles = append(roles, role)
	}
	return roles, nil
}

// tasks are the containers that run in the name of a role, as far as tests run them.
func (t *template) tasks() (map[string][]string, error) {
	tasks := map[string][]string{}
	for _, r := range t.Resources {
		if r.Type != "AWS::ECS::TaskDefinition" || r.property("TaskRoleArn") == nil {
			continue
		}
		role, _, _ := strings.Cut(r.property("TaskRoleArn").Value, ".")
		for _, container := range r.property("ContainerDefinitions").Content {
			if name := field(container, "Name").Value; name == "worker" || name == "relay" {
				tasks[role] = append(tasks[role], name)
			}
		}
	}
	return tasks, nil
}

// polled are the queues that are emptied for functions.
func (t *template) polled() (map[string]string, error) {
	polled := map[string]string{}
	for _, r := range t.Resources {
		if r.Type != "AWS::Lambda::EventSourceMapping" {
			continue
		}
		function, source := r.property("FunctionName"), r.property("EventSourceArn")
		if function == nil || source == nil {
			return nil, errors.New("an event source has no function or no source")
		}
		queue, err := t.value(source)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(function.Value, ".")
		polled[name] = fmt.Sprint(queue)
	}
	return polled, nil
}

// byEvents adds what SAM attaches to a role for the function's events.
func byEvents(role *Role, events *yaml.Node) error {
	for _, event := range fields(events) {
		switch kind := field(event, "Type").Value; kind {
		case "ScheduleV2", "HttpApi", "Api": // none: who calls has a role or a permission
		case "SQS":
			role.Managed = append(role.Managed, "AWSLambdaSQSQueueExecutionRole")
		default:
			return fmt.Errorf("what SAM attaches for events of %s isn't known here", kind)
		}
	}
	return nil
}

// granted reads a function's policies.
func (t *template) granted(role *Role, policies *yaml.Node) error {
	if policies == nil {
		return nil
	}
	v, err := t.value(policies)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, p := range list {
		if name, ok := p.(string); ok {
			role.Managed = append(role.Managed, name)
			continue
		}
		if err := role.document(p); err != nil {
			return err
		}
	}
	return nil
}

// attached reads the policies of a role that stands for itself.
func (t *template) attached(role *Role, r thing) error {
	for _, name := range []string{"Policies", "ManagedPolicyArns"} {
		n := r.property(name)
		if n == nil {
			continue
		}
		v, err := t.value(n)
		if err != nil {
			return err
		}
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s is no list", name)
		}
		for _, p := range list {
			if arn, ok := p.(string); ok {
				role.Managed = append(role.Managed, arn[strings.LastIndexByte(arn, '/')+1:])
				continue
			}
			object, _ := p.(map[string]any)
			if err := role.document(object["PolicyDocument"]); err != nil {
				return err
			}
		}
	}
	return nil
}
