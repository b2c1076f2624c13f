package words

import (
	"slices"
	"strings"
	"testing"
)

// inflected has, for each language, sentences with a word in some form, and with each
// what somebody may type who looks for it.
var inflected = map[string][][2]string{
	"English": {
		{"She is reading two books about gardens in the evening.", "book"}, {"He was running through the park when it rained.", "runs"},
		{"The policies of the company have been changed.", "policy"}, {"They deployed it to all of the servers.", "deploying"},
		{"We have connected the new database to it.", "connection"}, {"My résumé is attached to this mail.", "resume"},
		{"It's the users' own data that we keep.", "user"}, {"The naïve approach is the slowest of them.", "naive"},
		{"What are the best recipes for it?", "Recipe"},
	},
	"Russian": {
		{"Вчера я купил новую книгу о космосе.", "книги"}, {"Мы долго говорили о больших городах.", "город"}, {"Её мать работает врачом в больнице.", "работать"},
		{"На столе стоит зелёная лампа.", "зеленая"}, {"Он ещё не отправил письма клиентам.", "письмо"}, {"Как настроить сервер базы данных?", "серверы"},
		{"Дети играли во дворе с собаками.", "собака"}, {"Вопросы о языках программирования.", "программирование"}, {"Ёлку уже нарядили.", "елка"},
	},
	"Spanish": {
		{"Los niños juegan en el parque con sus perros.", "niño"}, {"El niño no quiere comer la sopa.", "ninos"}, {"Queremos viajar por España este verano.", "espana"},
		{"Las canciones que me gustan son muy viejas.", "canción"}, {"Ayer estaba trabajando desde mi casa.", "trabajar"}, {"Necesito las luces de la cocina.", "luz"},
		{"Las ciudades más grandes del mundo.", "ciudad"}, {"Mis amigas vivían cerca de la playa.", "vivir"}, {"¿Cómo se escribe una función recursiva?", "funciones"},
		{"La información que me diste era falsa.", "informacion"},
	},
	"Portuguese": {
		{"As ações da empresa subiram muito hoje.", "ação"}, {"A ação foi julgada pelo tribunal.", "acoes"}, {"Os animais não podem entrar na loja.", "animal"},
		{"Meus irmãos moram com os meus pais.", "irmão"}, {"Ela estava falando sobre as viagens.", "viagem"}, {"Quais são as melhores opções para isso?", "opcao"},
		{"Os papéis estão na mesa do escritório.", "papel"}, {"Eles trabalhavam em uma fábrica.", "trabalhar"}, {"Preciso de ajuda com os meus códigos.", "codigo"},
		{"As informações foram enviadas para você.", "informação"},
	},
	"French": {
		{"Les chevaux sont dans le pré avec leurs petits.", "cheval"}, {"Nous avons mangé dans un restaurant.", "manger"}, {"Les écoles de la ville sont fermées.", "ecole"},
		{"Elle était très heureuse de le voir.", "heureux"}, {"L'homme que tu cherches est parti.", "hommes"}, {"Les journaux en parlent tous les jours.", "journal"},
		{"C'est une question d'optimisation.", "optimisations"}, {"Ils ont développé une application.", "developper"}, {"Les garçons jouent au ballon.", "garcon"},
	},
	"German": {
		{"Die Häuser in dieser Straße sind sehr alt.", "Haus"}, {"Das Haus ist nicht zu verkaufen.", "Häuser"}, {"Herr Müller hat gestern angerufen.", "muller"},
		{"Ich habe die Bücher in die Bibliothek gebracht.", "Buch"}, {"Wir suchen noch einen guten Lehrer.", "Lehrern"}, {"In welcher Straße wohnst du?", "strasse"},
		{"Die Kinder spielen mit den Hunden.", "Hund"}, {"Der schnellste Weg ist nicht immer der beste.", "schnell"}, {"Welche Fragen hast du dazu?", "frage"},
		{"Die Verträge wurden gekündigt.", "vertrag"},
	},
	"Indonesian": {
		{"Saya sedang membaca buku di perpustakaan.", "bacaan"}, {"Ini adalah bacaan yang menarik untuk anak.", "membaca"}, {"Dia menulis surat kepada ibunya.", "tulisan"},
		{"Mereka memakai baju yang baru.", "pakai"}, {"Kami akan mengirim paket itu besok.", "kirim"}, {"Tolong kirimkan dokumen itu kepada saya.", "mengirim"},
		{"Pekerjaan ini tidak mudah untuk saya.", "kerja"}, {"Ayah saya bekerja di kantor.", "pekerjaan"}, {"Anak itu sedang belajar di sekolah.", "ajar"}, {"Bukunya ada di atas meja.", "buku"},
		{"Ibu memasak nasi untuk kami.", "masak"}, {"Bagaimana cara menggunakan aplikasi ini?", "gunakan"},
	},
	"Hindi": {
		{"मैंने कल दो किताबें खरीदीं।", "किताब"}, {"यह किताब बहुत अच्छी है।", "किताबें"}, {"लड़के मैदान में खेल रहे हैं।", "लड़का"}, {"उसके पास कई सवालों के जवाब हैं।", "सवाल"},
		{"भारत की नदियाँ बहुत लंबी हैं।", "नदी"}, {"कुत्तों को खाना दे दो।", "कुत्ता"}, {"मुझे दोस्तों से मिलना है।", "दोस्त"}, {"वह भाषाएँ सीख रही है।", "भाषा"}, {"बाज़ार में फल मिलते हैं।", "बाजार"},
	},
	"Italian": {
		{"I libri che ho letto sono molto belli.", "libro"}, {"Le ragazze vanno alla scuola con gli amici.", "ragazza"}, {"Dell'acqua fresca non c'è più.", "acqua"},
		{"Hanno parlato con il direttore della banca.", "parlare"}, {"Le città d'Italia sono antiche.", "citta"}, {"Gli errori del programma sono stati corretti.", "errore"},
		{"La soluzione è nelle pagine finali.", "soluzioni"}, {"Questo è il perché della domanda.", "domande"},
	},
	"Dutch": {
		{"De boeken liggen op de tafel van het kantoor.", "boek"}, {"Wij hebben gisteren met de honden gespeeld.", "hond"}, {"Het is een van de mooie steden.", "mooi"},
		{"Zij werken niet meer bij deze bank.", "werk"}, {"De vragen zijn niet moeilijk voor hem.", "vraag"}, {"Ik heb een nieuwe auto gekocht.", "nieuw"},
		{"De oplossingen zijn naar ons gestuurd.", "oplossing"}, {"Er zijn veel mogelijkheden om te leren.", "mogelijkheid"}, {"Een geïnteresseerde klant was er ook.", "geinteresseerde"},
	},
	"Swedish": {
		{"Böckerna som jag läste var inte bra.", "bocker"}, {"Flickorna har en hund och två katter.", "flicka"}, {"Det är den största staden i landet.", "städer"},
		{"Jag har arbetat med det här länge.", "arbeta"}, {"Bilarna var parkerade på gatan.", "bil"}, {"Vilka frågor har du till mig?", "fråga"},
		{"De bodde i små hus vid sjön.", "husen"}, {"Jag skickade breven till dem.", "brev"},
	},
}

func TestInflectedWordsAreFound(t *testing.T) {
	for language, pairs := range inflected {
		for _, p := range pairs {
			forms := Forms(p[1])
			if !slices.ContainsFunc(wordsOf(p[0]), func(w string) bool { return slices.Contains(forms, w) }) {
				t.Errorf("%s: %s, that is %q, isn't in %q", language, p[1], forms, wordsOf(p[0]))
			}
		}
		if len(pairs) < 8 {
			t.Errorf("%s: %d pairs", language, len(pairs))
		}
	}
}

// A message may have them all: each paragraph has its own language.
func TestLanguagesMix(t *testing.T) {
	var all []string
	for _, pairs := range inflected {
		for _, p := range pairs {
			all = append(all, p[0])
		}
	}
	words := wordsOf(strings.Join(all, "\n"))
	for language, pairs := range inflected {
		for _, p := range pairs {
			forms := Forms(p[1])
			if !slices.ContainsFunc(words, func(w string) bool { return slices.Contains(forms, w) }) {
				t.Errorf("%s: %s isn't found", language, p[1])
			}
		}
	}
}

// begun has, for each language, the beginning of a word as somebody types it, and a word
// that it finds as it is written, whatever its stem is.
var begun = map[string][][2]string{
	"English":    {{"runni", "running"}, {"polici", "policies"}, {"happines", "Happiness"}, {"naiv", "naïve"}, {"résum", "resume"}},
	"Russian":    {{"книгам", "книгами"}, {"зеле", "зелёная"}, {"Городск", "городской"}},
	"Spanish":    {{"cancione", "canciones"}, {"españ", "España"}, {"trabajand", "trabajando"}},
	"Portuguese": {{"acõe", "ações"}, {"informaco", "informações"}, {"irmao", "irmãos"}},
	"French":     {{"chevau", "chevaux"}, {"ecole", "écoles"}, {"mangé", "mangées"}},
	"German":     {{"häus", "Häuser"}, {"verträ", "Verträge"}, {"stras", "Straße"}},
	"Indonesian": {{"memba", "membaca"}, {"diba", "dibaca"}, {"menul", "menulis"}, {"pekerj", "pekerjaan"}, {"bukun", "bukunya"}},
	"Hindi":      {{"किताबे", "किताबें"}, {"सवा", "सवालों"}},
	"Italian":    {{"ragazz", "ragazze"}, {"perch", "perché"}},
	"Dutch":      {{"mogelijkhed", "mogelijkheden"}, {"geint", "geïnteresseerde"}},
	"Swedish":    {{"bock", "Böckerna"}, {"flickorn", "Flickorna"}},
	"Japanese":   {{"東", "東京"}, {"東京", "東京都"}},
}

func TestBeginningsAreFoundAsTheyAreWritten(t *testing.T) {
	for language, pairs := range begun {
		for _, p := range pairs {
			if !slices.ContainsFunc(slices.Collect(Tokens(p[1])), func(t Token) bool { return strings.HasPrefix(t.Written, Fold(p[0])) }) {
				t.Errorf("%s: %s doesn't begin with %s", language, p[1], p[0])
			}
		}
	}
}
