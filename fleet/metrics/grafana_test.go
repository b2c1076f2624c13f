package metrics_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is what is checked of docs/grafana.json.
type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Panels        []panel
	Templating    struct{ List []variable }
}

type panel struct {
	ID         int
	Type       string
	Title      string
	GridPos    struct{ X, Y, W, H int }
	Datasource source
	Targets    []struct {
		RefID      string
		Expr       string
		Datasource source
	}
}

type source struct{ Type, UID string }

type variable struct{ Name, Type, Definition string }

func load(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// labels returns the labels of every metric that is exported, by the metric's name.
func labels(t *testing.T) map[string][]string {
	t.Helper()
	r := prometheus.NewRegistry()
	drive(r)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, f := range families {
		found[f.GetName()] = []string{}
		for _, l := range f.Metric[0].Label {
			found[f.GetName()] = append(found[f.GetName()], l.GetName())
		}
		if f.Metric[0].Histogram != nil {
			found[f.GetName()+"_bucket"] = append(found[f.GetName()], "le")
			delete(found, f.GetName())
		}
	}
	return found
}

// Every panel asks, in PromQL that Prometheus reads, for metrics that are exported, by
// labels that these have; and there is a panel for every metric.
func TestDashboardAsksForWhatIsCounted(t *testing.T) {
	exported, asked := labels(t), map[string]bool{}
	for _, p := range load(t).Panels {
		for _, target := range p.Targets {
			expr, err := parser.ParseExpr(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
			if err != nil {
				t.Errorf("%s: %s: %v", p.Title, target.Expr, err)
				continue
			}
			known := wanted(t, p.Title, expr, exported, asked)
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if a, ok := n.(*parser.AggregateExpr); ok {
					for _, by := range a.Grouping {
						if !slices.Contains(known, by) {
							t.Errorf("%s: grouped by %s, which it doesn't have", p.Title, by)
						}
					}
				}
				return nil
			})
		}
	}
	for name := range exported {
		if !asked[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// wanted checks the metrics that an expression selects and returns their labels.
func wanted(t *testing.T, title string, expr parser.Expr, exported map[string][]string, asked map[string]bool) (known []string) {
	t.Helper()
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		has, ok := exported[v.Name]
		if !ok {
			t.Errorf("%s: nobody exports %s", title, v.Name)
		}
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(has, m.Name) {
				t.Errorf("%s: %s has no label %s", title, v.Name, m.Name)
			}
		}
		known, asked[v.Name] = append(known, has...), true
		return nil
	})
	return known
}

// What Grafana needs to load the file: an identity, a schema, and panels with ids of
// their own that don't lie on one another and ask the source which the user chooses.
func TestDashboardIsOne(t *testing.T) {
	d := load(t)
	if d.UID == "" || len(d.UID) > 40 || d.Title == "" || d.SchemaVersion < 36 {
		t.Errorf("uid %q, title %q, schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name+" "+v.Type)
	}
	if want := []string{"datasource datasource", "plan query", "model query"}; !slices.Equal(names, want) {
		t.Errorf("variables %q, want %q", names, want)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %q has the id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		place(t, p, cells)
		if p.Type == "row" {
			continue
		}
		if p.Type != "timeseries" || len(p.Targets) == 0 {
			t.Errorf("%s: type %q, %d targets", p.Title, p.Type, len(p.Targets))
		}
		for i, target := range p.Targets {
			if target.RefID != string(rune('A'+i)) || target.Datasource != (source{"prometheus", "${datasource}"}) {
				t.Errorf("%s: target %q of %v", p.Title, target.RefID, target.Datasource)
			}
		}
	}
}

// place puts a panel onto the grid of 24 columns.
func place(t *testing.T, p panel, cells map[[2]int]string) {
	t.Helper()
	g := p.GridPos
	if g.X < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
		t.Errorf("%s doesn't fit the grid: %+v", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other := cells[[2]int{x, y}]; other != "" {
				t.Errorf("%s lies on %s", p.Title, other)
				return
			}
			cells[[2]int{x, y}] = p.Title
		}
	}
}

// The alerts that docs/operations.md proposes are PromQL over what is exported, too.
func TestAlertsAskForWhatIsCounted(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Watching it\n")
	exported, alerts := labels(t), 0
	for line := range strings.Lines(section) {
		_, cell, _ := strings.Cut(strings.ReplaceAll(line, `\|`, "\x00"), "| `")
		code, _, ok := strings.Cut(cell, "` |\n")
		if !ok || !strings.Contains(code, "parley_") {
			continue
		}
		alerts++
		expr, err := parser.ParseExpr(strings.ReplaceAll(code, "\x00", "|"))
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		wanted(t, code, expr, exported, map[string]bool{})
	}
	if alerts < 5 {
		t.Errorf("only %d alerts were found", alerts)
	}
}
