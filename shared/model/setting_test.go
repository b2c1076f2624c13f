package model_test

import (
	"strings"
	"testing"

	"parley/shared/config"
	"parley/shared/model"
)

func TestTableIsASetting(t *testing.T) {
	type settings struct {
		Models model.Table `env:"MODELS"`
	}
	for text, want := range map[string]string{"": model.Default, `[{"name":"lab"}]`: "lab"} {
		t.Setenv("MODELS", text)
		set, err := config.Load[settings]()
		if err != nil || set.Models.All()[0].Name != want {
			t.Errorf("%q: %+v, %v", text, set, err)
		}
	}
	t.Setenv("MODELS", `[{"nome":"lab"}]`)
	if _, err := config.Load[settings](); err == nil || !strings.Contains(err.Error(), "nome") {
		t.Error(err)
	}
}
