package main

import (
	_ "embed"
	"fmt"

	"github.com/go-json-experiment/json"
)

//go:embed quotas.json
var quotas []byte

// Quota is one of AWS's bounds.
type Quota struct {
	Need       string             `json:"need"` // what of the plan it bounds
	Service    string             `json:"service"`
	Quota      string             `json:"quota"`
	Of         string             `json:"of"`
	Default    float64            `json:"default"`
	Defaults   map[string]float64 `json:"defaults"` // of regions where it is another
	Adjustable bool               `json:"adjustable"`
	Source     string             `json:"source"`
	Remembered bool               `json:"remembered"` // instead of a source
	Note       string             `json:"note"`
}

func decodeQuotas(b []byte) ([]Quota, error) {
	var all []Quota
	if err := json.Unmarshal(b, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	for _, q := range all {
		if q.Need == "" || q.Service == "" || q.Quota == "" || q.Of == "" || (q.Source == "") != q.Remembered {
			return nil, fmt.Errorf("quota %q of %q needs what it bounds, and either a source or that it is remembered", q.Quota, q.Service)
		}
	}
	return all, nil
}

// in is the bound in a region.
func (q Quota) in(region string) float64 {
	if v, ok := q.Defaults[region]; ok {
		return v
	}
	return q.Default
}
