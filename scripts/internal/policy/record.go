package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Record is what was seen, and what the things in it are called in the templates.
type Record struct {
	// Names are logical ids by the names that a deployment gave.
	Names map[string]string `json:"names"`
	Needs []Need            `json:"needs"`
}

// Save writes what was seen so far to a file, with the deployment's names.
func (r *Recorder) Save(file string, names map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return fmt.Errorf("there were more than %d different needs: calls aren't reduced to shapes as they should be", maxNeeds)
	}
	record := Record{Names: names}
	for _, text := range slices.Sorted(maps.Keys(r.seen)) {
		record.Needs = append(record.Needs, r.seen[text])
	}
	text, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// Read reads what Save has written, of one or several deployments.
func Read(files ...string) (Record, error) {
	all := Record{Names: map[string]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return all, err
		}
		var record Record
		if err := json.Unmarshal(text, &record); err != nil {
			return all, fmt.Errorf("record %s: %w", file, err)
		}
		maps.Copy(all.Names, record.Names)
		all.Needs = append(all.Needs, record.Needs...)
	}
	if len(all.Needs) == 0 {
		return all, errors.New("nothing was recorded")
	}
	return all, nil
}
