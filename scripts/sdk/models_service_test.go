//go:build service

package sdk

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/shared/quota"
	"parley/shared/store"
)

// dear is a name under which a stack for tests (scripts/test) has the same model,
// for premium users only.
const dear = "smollm2-premium"

// sees is a model there whose engine only runs when it is tested.
const sees = "sees"

// TestModelsOfAPlan goes the whole way of the table: the template's parameter, the
// function, the relay, and the worker, who asks the engine by another name.
func TestModelsOfAPlan(t *testing.T) {
	if !strings.Contains(need(t, "MODELS"), dear) {
		t.Fatalf("MODELS lacks %s: scripts/test has it", dear)
	}
	free, premium := enter(t, 1000), enter(t, 1000)
	premium.change(func(a *store.Accounts, act store.Act) error {
		return a.SetPlan(t.Context(), act, premium.id, quota.Premium, time.Time{})
	})
	for p, want := range map[*person][]string{free: {model, sees}, premium: {model, dear, sees}} {
		c := p.client(p.key)
		list, err := c.Models.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range list.Data {
			names = append(names, m.ID)
		}
		if !slices.Equal(names, want) {
			t.Errorf("models %v, want %v", names, want)
		}
	}
	asked := question(capital, 16)
	asked.Model = dear
	c := premium.client(premium.key)
	a, err := c.Chat.Completions.New(t.Context(), asked)
	if err != nil || a.Model != dear || !strings.Contains(a.Choices[0].Message.Content, "Paris") {
		t.Errorf("%+v, %v", a, err)
	}
	if status, body := free.send(dear); status != 403 || !strings.Contains(body, `"model_not_allowed"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := free.send("gpt-9"); status != 422 || !strings.Contains(body, `"unknown_model"`) {
		t.Errorf("%d %s", status, body)
	}
}

// send asks for a model over Parley's own API.
func (p *person) send(model string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/v1/messages", strings.NewReader(`{"text":"Hello","model":"`+model+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
