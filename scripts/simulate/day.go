package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/scripts/internal/fleet"
)

const daySeconds = fleet.Day

// prompt is one of a day's.
type prompt = fleet.Prompt

// engine is a replica: a model of some 8 billion weights on one GPU.
var engine = fleet.Engine{Slots: 32, Read: 8000, Write: 45}

// day is a day's prompts in the order of their coming.
type day struct {
	name    string
	prompts []prompt
}

func (d day) mean(of func(prompt) float64) float64 {
	sum := 0.0
	for _, p := range d.prompts {
		sum += of(p)
	}
	return sum / float64(max(len(d.prompts), 1))
}

// need is how many slots are busy on average if none waits.
func (d day) need() float64 {
	return d.mean(engine.Takes) * float64(len(d.prompts)) / daySeconds
}

// curve is the load at a time of the day, 1 on average: nearly twice that at eight
// in the evening, a tenth at eight in the morning.
func curve(at float64) float64 {
	return 1 + 0.9*math.Cos(2*math.Pi*(at-20*3600)/daySeconds)
}

// premiumPart is the part of a trace's prompts that are taken for premium ones: as
// many as the designed load has.
const premiumPart = 0.056

// repeated makes a day out of an hour: in each hour of the day every row comes as
// often as curve and rate have it, on average, at its own time within the hour.
func repeated(name string, rows []prompt, rate float64, seed uint64) day {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := day{name: name}
	length := rows[len(rows)-1].At + 1
	each := rate * daySeconds / float64(len(rows)) / (daySeconds / length)
	for start := 0.0; start < daySeconds; start += length {
		for _, r := range rows {
			at := start + r.At
			for range fleet.Drawn(rng, each*curve(at)) {
				p := r
				p.At = at + rng.Float64() // not all copies in the same instant
				if rng.Float64() < premiumPart {
					p.Plan = fleet.Premium
				}
				if p.At < daySeconds {
					d.prompts = append(d.prompts, p)
				}
			}
		}
	}
	return d.sorted()
}

// rush is the same day with an hour, from one in the afternoon, in which prompts and
// answers are three times as long.
func rush(d day) day {
	r := day{name: d.name + ", with an hour of prompts that are three times as long", prompts: slices.Clone(d.prompts)}
	for i, p := range r.prompts {
		if hour := p.At / 3600; hour >= 13 && hour < 14 {
			r.prompts[i].In, r.prompts[i].Out = 3*p.In, 3*p.Out
		}
	}
	return r
}

// designed is a part of the load that Parley is designed for.
func designed(part float64, seed uint64) day {
	rng := rand.New(rand.NewPCG(seed, 2))
	d := day{name: "The designed load, " + partName(part)}
	for second := 0.0; second < daySeconds; second++ {
		for range fleet.Drawn(rng, 11_300*part*curve(second)) {
			d.prompts = append(d.prompts, prompt{At: second + rng.Float64(), In: lot(rng, 2048, 4096), Out: lot(rng, 2048, 4096)})
		}
		for range fleet.Drawn(rng, 667*part*curve(second)) {
			d.prompts = append(d.prompts, prompt{At: second + rng.Float64(), In: lot(rng, 110_000, 124_000), Out: lot(rng, 3000, 4096), Plan: fleet.Premium})
		}
	}
	return d.sorted()
}

// partName says what part of it.
func partName(part float64) string {
	if part == 0.001 {
		return "a thousandth of it"
	}
	return fmt.Sprintf("%g of it", part)
}

func (d day) sorted() day {
	slices.SortStableFunc(d.prompts, func(a, b prompt) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return d
}

// lot draws a length around a middle, up to most.
func lot(rng *rand.Rand, middle, most float64) float64 {
	return min(middle*math.Exp(0.5*rng.NormFloat64()), most)
}

// rowsOf reads a recorded hour; without a path it makes one up.
func rowsOf(path string, seed uint64) (rows []prompt, name string, err error) {
	switch filepath.Ext(path) {
	case "":
		rows, name = madeUp(seed), "An hour that is made up, through a day"
	case ".csv":
		rows, err = readCSV(path)
	default:
		rows, err = readLines(path)
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s has no rows", path)
	}
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ", through a day"
	}
	return rows, name, err
}

// madeUp has the means that are published of the Azure trace of 2023.
func madeUp(seed uint64) []prompt {
	rng := rand.New(rand.NewPCG(seed, 3))
	var rows []prompt
	for at := 0.0; at < 3600; at += rng.ExpFloat64() / 5 {
		rows = append(rows, prompt{At: at, In: lot(rng, 1019, 16_000), Out: lot(rng, 186, 4096)})
	}
	return rows
}

func readCSV(path string) ([]prompt, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows []prompt
	var first time.Time
	for i, line := range lines[min(1, len(lines)):] {
		at, err := time.Parse("2006-01-02 15:04:05.9999999", line[0])
		in, err2 := strconv.ParseFloat(line[1], 64)
		out, err3 := strconv.ParseFloat(line[2], 64)
		if err != nil || err2 != nil || err3 != nil {
			return nil, fmt.Errorf("%s, row %d: %q", path, i+2, line)
		}
		if i == 0 {
			first = at
		}
		rows = append(rows, prompt{At: at.Sub(first).Seconds(), In: in, Out: out})
	}
	return rows, nil
}

func readLines(path string) ([]prompt, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	var rows []prompt
	for lines.Scan() {
		var row struct {
			Timestamp float64 `json:"timestamp"` // ms
			In        float64 `json:"input_length"`
			Out       float64 `json:"output_length"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", path, len(rows)+1, err)
		}
		rows = append(rows, prompt{At: row.Timestamp / 1000, In: row.In, Out: row.Out})
	}
	return rows, lines.Err()
}
