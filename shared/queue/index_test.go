package queue

import (
	"encoding/hex"
	"strings"
	"testing"

	"parley/shared/id"
)

func FuzzDecodeIndex(f *testing.F) {
	f.Add(`{"v":1,"index":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`)
	f.Add(`{"v":1,"index":"01ARZ3NDEKTSV4RRFFQ69G5FAV","anew":true}`)
	f.Add(`{"v":1,"index":"01ARZ3NDEKTSV4RRFFQ69G5FAV","broken":"` + strings.Repeat("0a", 32) + `"}`)
	f.Add(`{"v":1,"index":"01ARZ3NDEKTSV4RRFFQ69G5FAV","broken":"../x"}`)
	f.Add(`{"v":2,"index":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`)
	f.Fuzz(func(t *testing.T, body string) {
		j, err := DecodeIndex(body)
		if err != nil {
			return
		}
		if name, err := hex.DecodeString(j.Broken); err != nil || !id.Valid(j.User) || len(name) != 0 && len(name) != 32 {
			t.Errorf("%+v", j)
		}
		if p, err := DecodePurge(body); err == nil {
			t.Errorf("it is read as a purge, too: %+v", p)
		}
	})
}
