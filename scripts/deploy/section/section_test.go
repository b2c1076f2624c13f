package section

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

func TestLoops(t *testing.T) {
	var doc struct {
		Resources Of[map[string]any] `yaml:"Resources"`
		Outputs   Of[yaml.Node]      `yaml:"Outputs"`
		Rules     Of[yaml.Node]      `yaml:"Rules"`
	}
	err := yaml.Unmarshal([]byte(`
Resources:
  Fn::ForEach::Tables:
    - Name
    - [Chats, Files]
    - ${Name}Table: {Type: Table, TableName: !Sub '${Name}-${Environment}', '${Name}': [1, {Of: '&{Name}'}]}
      Fn::ForEach::Ways:
        - Way
        - [Read, 'Of${Name}']
        - ${Name}${Way}: {Alarm: !Ref Way}
  Alone: {Text: '${Name}', 3: true}
Outputs:
  Fn::ForEach::Names: [Name, [Chats, Files], {'${Name}Table': {Value: x}}]
`), &doc)
	if err != nil {
		t.Fatal(err)
	}
	want := Of[map[string]any]{
		"ChatsTable":   {"Type": "Table", "TableName": "Chats-${Environment}", "Chats": []any{1, map[string]any{"Of": "Chats"}}},
		"FilesTable":   {"Type": "Table", "TableName": "Files-${Environment}", "Files": []any{1, map[string]any{"Of": "Files"}}},
		"ChatsRead":    {"Alarm": "Way"},
		"FilesRead":    {"Alarm": "Way"},
		"ChatsOfChats": {"Alarm": "Way"},
		"FilesOfFiles": {"Alarm": "Way"},
		"Alone":        {"Text": "${Name}", "3": true},
	}
	if d := cmp.Diff(want, doc.Resources); d != "" {
		t.Error(d)
	}
	_, chats := doc.Outputs["ChatsTable"]
	_, files := doc.Outputs["FilesTable"]
	if len(doc.Outputs) != 2 || !chats || !files || len(doc.Rules) != 0 {
		t.Errorf("outputs %v, rules %v", doc.Outputs, doc.Rules)
	}
}

func TestWhatCannotBeToldIsAnError(t *testing.T) {
	for _, text := range []string{
		"{Fn::ForEach::A: [N, !Ref Names, {'${N}': {T: 1}}]}",
		"{Fn::ForEach::A: [N, [!Ref Name, [x]], {'${N}': {T: 1}}]}",
		"{Fn::ForEach::A: [N, [x, x], {'${N}': {T: 1}}]}",
		"{Fn::ForEach::A: [N, [x], {X: {T: 1}}], X: {T: 1}}",
		"{Fn::ForEach::A: [N, [x], [y]]}",
		"{Fn::ForEach::A: [N, [x]]}",
		"{A: [x]}",
		"{A: {T: text}}",
		"[x]",
		"x",
	} {
		var s Of[struct {
			T int `yaml:"T"`
		}]
		if err := yaml.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s is read as %v", text, s)
		}
	}
}
