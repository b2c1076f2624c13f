package words

import (
	"strings"
	"testing"
)

// chosen returns the language of a line.
func chosen(line string, before language) language {
	var b ballot
	for t := range Tokens(line) {
		b.add(newEntry(line[t.Start:t.End]).votes)
	}
	return b.winner(before)
}

func TestALineHasItsLanguage(t *testing.T) {
	for line, want := range map[string]language{
		"How do I fix this?": english, "write me a function that sorts a list": english, "Thanks, that works now.": english, "import numpy as np": english,
		"for i in range(10):": english, "What is the difference between a list and a tuple in Python?": english,
		"¿Cómo puedo arreglar esto?": spanish, "escribe una función que ordene una lista": spanish, "no funciona, me da un error": spanish, "gracias, ya está": spanish,
		"Explícame la diferencia entre una lista y una tupla": spanish, "como se hace en python": spanish,
		"Comment faire pour trier une liste ?": french, "ça ne marche pas chez moi": french, "merci, c'est bon": french, "explique-moi la différence entre les deux": french,
		"Wie sortiere ich eine Liste?": german, "das geht leider nicht": german, "erkläre mir den Unterschied": german, "Danke, jetzt funktioniert es": german,
		"Como faço para ordenar uma lista?": portuguese, "não funciona, dá erro": portuguese, "obrigado, agora deu certo, mas não entendi": portuguese, "qual a diferença entre os dois": portuguese,
		"Bagaimana cara mengurutkan daftar?": indonesian, "terima kasih, sudah bisa": indonesian, "apa bedanya dengan yang ini": indonesian, "tolong jelaskan lagi": indonesian,
		"Come faccio a ordinare una lista?": italian, "non funziona, mi dà un errore": italian, "qual è la differenza tra i due": italian, "grazie, adesso va bene così": italian,
		"Hoe sorteer ik een lijst?": dutch, "het werkt niet bij mij": dutch, "wat is het verschil tussen deze twee": dutch,
		"Hur sorterar jag en lista?": swedish, "det fungerar inte för mig": swedish, "vad är skillnaden mellan dem": swedish,
		"Server Error 500": unknown, "": unknown, "東京都": unknown,
	} {
		if got := chosen(line, unknown); got != want {
			t.Errorf("%s: %d, not %d", line, got, want)
		}
	}
}

// A line that nothing decides goes with the one before, at the beginning with the
// first that is decided, else it is English.
func TestALineThatNothingDecides(t *testing.T) {
	for text, want := range map[string]string{
		"Häuser":                                 "haus", // by its letters
		"Verträge kündigen":                      "vertrag kundig",
		"running servers":                        "run server",
		"ciudades\nLas casas no son de ellos":    "ciudad las cas no son de ellos",
		"Las casas no son de ellos\nciudades":    "las cas no son de ellos ciudad",
		"The cars are here\n\nLas casas de ella": "the car are here las cas de ella",
		"The cars are here\nbaños nuevos\n東京":    "the car are here ban nuev 東京 京",
	} {
		if got := strings.Join(wordsOf(text), " "); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
	if got := chosen("de la casa", spanish); got != spanish {
		t.Errorf("after Spanish %d", got)
	}
}
