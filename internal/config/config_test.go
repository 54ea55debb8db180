package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall.example/internal/config"
)

// load loads a file of that text, in an environment of NAME=value lines.
func load(t *testing.T, text string, environment ...string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, environment)
	// What is wrong is told with the file's name; the tests speak of lines.
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), path+":", "line "))
	}
	return c, err
}

func TestTheDefaultFileSaysWhatTheDefaultIs(t *testing.T) {
	got, err := load(t, config.File)
	if err != nil {
		t.Fatal(err)
	}
	if want := config.Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("the file says\n%+v, the default is\n%+v", got, want)
	}
	// Every key stands in it: what the file leaves out, nobody would find.
	for _, key := range keys(reflect.TypeFor[config.Config]()) {
		if !strings.Contains(config.File, "\n"+key+" = ") {
			t.Errorf("the default file does not have %s", key)
		}
	}
}

func keys(t reflect.Type) (all []string) {
	for f := range t.Fields() {
		if f.Type.Kind() == reflect.Struct {
			all = append(all, keys(f.Type)...)
		} else {
			all = append(all, f.Tag.Get("toml"))
		}
	}
	return all
}

func TestMistakesAreToldWithTheirLines(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing configured", "", ""},
		{"no TOML", "listen = [\n", "line 1: listen: unexpected EOF"},
		{"a key that is not known", "[listen]\nclinets = \":7400\"", "line 2: listen.clinets: unknown key; there is clients, ops, admin, trusted_proxies, proxy_protocol"},
		{"a section that is not known", "\n[storage]\ndir = \"x\"", "line 2: storage: unknown key; there is dir, [listen], [tls], [web], [policy], [limits], [timeouts], [log]"},
		{"a section as a value", "log = \"debug\"", "line 1: log: want a section, as [log]"},
		{"a key in no section", "level = \"debug\"", "line 1: level: unknown key; there is dir, [listen]"},
		{"another type", "dir = 3", "line 1: dir: want a string, in quotes"},
		{"no list", "[web]\norigins = \"*\"", "line 2: web.origins: want a list of strings"},
		{"a dotted section", "listen.clients = \":1\"", ""},
		{"a list of sections", "[[listen]]\nclients = \":1\"", "line 1: listen: want a section"},
		{"no address", "[listen]\nclients = \"7400\"", "line 2: listen.clients: \"7400\": want host:port"},
		{"no port", "[listen]\nclients = \"localhost:70000\"", "line 2: listen.clients: \"localhost:70000\": want a port from 0 to 65535"},
		{"nowhere to listen", "[listen]\nclients = \"\"", "line 2: listen.clients: want host:port"},
		{"no proxy", "[listen]\ntrusted_proxies = [\"10.0.0.1\", \"lb.example\"]", "line 2: listen.trusted_proxies: \"lb.example\": want an address or a network"},
		{"a network that does not begin there", "[listen]\n\ntrusted_proxies = [\"10.0.0.7/8\"]", "line 3: listen.trusted_proxies: \"10.0.0.7/8\": want the network's first address, as 10.0.0.0/8"},
		{"a network too narrow", "[listen]\ntrusted_proxies = [\"10.0.0.0/33\"]", "line 2: listen.trusted_proxies: \"10.0.0.0/33\": want an address"},
		{"everybody a proxy", "[listen]\ntrusted_proxies = [\"0.0.0.0/0\"]", "line 2: listen.trusted_proxies: \"0.0.0.0/0\": want a network that is not everybody"},
		{"an address with a zone", "[listen]\ntrusted_proxies = [\"fe80::1%eth0\"]", "line 2: listen.trusted_proxies: \"fe80::1%eth0\": want an address"},
		{"one proxy, no list", "[listen]\ntrusted_proxies = \"10.0.0.1\"", "line 2: listen.trusted_proxies: want a list of strings"},
		{"a protocol in words", "[listen]\ntrusted_proxies = [\"10.0.0.1\"]\nproxy_protocol = \"v2\"", "line 3: listen.proxy_protocol: want true or false"},
		{"nobody to speak it", "[listen]\nproxy_protocol = true", "line 2: listen.proxy_protocol: it needs trusted_proxies"},
		{"proxies", "[listen]\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.7\", \"fd00::/8\", \"::1\"]\nproxy_protocol = true", ""},
		{"no duration", "[timeouts]\n\nlogin = \"ten\"", "line 3: timeouts.login: \"ten\": want a duration"},
		{"a bare number", "[timeouts]\nlogin = 10", "line 2: timeouts.login: \"10\": want a duration"},
		{"a negative one", "[timeouts]\nlogin = \"-1s\"", "line 2: timeouts.login: \"-1s\": want more than 0s and at most 24h"},
		{"no origin", "[web]\norigins = [\"https://a.example\", \"b.example/\"]", "line 2: web.origins: \"b.example/\": want scheme and host alone"},
		{"an origin in capitals", "[web]\norigins = [\"https://App.example:8443\"]", "line 2: web.origins: \"https://App.example:8443\": want it as browsers send it: https://app.example:8443"},
		{"an origin with its scheme's port", "[web]\norigins = [\"https://a.example\", \"http://b.example:80\"]", "line 2: web.origins: \"http://b.example:80\": want it as browsers send it: http://b.example"},
		{"origins", "[web]\norigins = [\"https://a.example:80\", \"http://localhost:5173\", \"http://[::1]:3000\"]", ""},
		{"no bound", "[policy]\nmax_instances = 0", "line 2: policy.max_instances: \"0\": want a number from 1 to 100"},
		{"a bound over all", "[policy]\n\nmax_web_instances = 101", "line 3: policy.max_web_instances: \"101\": want a number from 1 to 100"},
		{"a bound in words", "[policy]\nmax_instances = \"ten\"", "line 2: policy.max_instances: \"ten\": want a number"},
		{"bounds", "[policy]\nmax_web_instances = 100\nmax_instances = 1", ""},
		{"a bound below 0", "[limits]\nconnections = -1", "line 2: limits.connections: \"-1\": want a number from 0 to 10000000"},
		{"a bound without end", "[limits]\nconnections_per_address = 10000001", "line 2: limits.connections_per_address: \"10000001\": want a number from 0"},
		{"a broken bound", "[limits]\nconnections_without_login = 1.5", "line 2: limits.connections_without_login: \"1.500000\": want a number"},
		{"a part over the whole", "[limits]\nconnections = 100\nconnections_per_address = 101", "line 3: limits.connections_per_address: want it at most connections"},
		{"another part over the whole", "[limits]\nconnections_without_login = 101\nconnections = 100", "line 2: limits.connections_without_login: want it at most"},
		{"limits", "[limits]\nconnections = 100\nconnections_per_address = 100\nconnections_without_login = 100", ""},
		{"messages without a bound", "[limits]\nmessage_mib_per_day = 0\nfree_disk_mib = 0", ""},
		{"fewer messages than none", "[limits]\nmessage_mib_per_day = -1", "line 2: limits.message_mib_per_day: \"-1\": want a number from 0 to 10000000"},
		{"a floor that is no number", "[limits]\nfree_disk_mib = \"some\"", "line 2: limits.free_disk_mib: \"some\": want a number from 0 to 10000000"},
		{"a wait for too long", "[limits]\nlogin_wait = \"4s\"", "line 2: limits.login_wait: want at most 3s"},
		{"limits of a part", "[limits]\nconnections_per_address = 20", ""},
		{"no level", "[log]\nlevel = \"loud\"", "line 2: log.level: \"loud\": want debug, info, warn or error"},
		{"no format", "[log]\nformat = \"xml\"", "line 2: log.format: \"xml\": want text or json"},
		{"half a certificate", "[tls]\nkey = \"k.pem\"", "line 2: tls.key: it needs its certificate"},
		{"silence under the default's heartbeat", "[timeouts]\nsilence = \"2m\"", "line 2: timeouts.silence: want silence to be longer"},
		{"heartbeat over the default's silence", "[timeouts]\nheartbeat = \"7m\"", "line 2: timeouts.heartbeat: want silence to be longer"},
		{"several at once", "[log]\nlevle = \"info\"\nformat = \"xml\"\n[tsl]", "line 2: log.levle: unknown key; there is level, format\n" +
			"line 3: log.format: \"xml\": want text or json\nline 4: tsl: unknown key; there is dir, [listen], [tls], [web], [policy], [limits], [timeouts], [log]"},
		{"a dotted key", "log.levle = \"info\"", "line 1: log.levle: unknown key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want it accepted", err)
			case tt.want != "" && err == nil:
				t.Errorf("accepted, want %s", tt.want)
			case tt.want != "" && !strings.HasPrefix(err.Error(), tt.want):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAFileThatIsNoTextIsToldSo(t *testing.T) {
	for _, text := range []string{"\xff\xfe", "# fine\n\xff"} {
		_, err := load(t, text)
		want := fmt.Sprintf("line %d: this is not UTF-8 text", 1+strings.Count(text, "\n"))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	c, err := load(t, "dir = \"here\"\n[listen]\nclients = \":1\"\nops = \":2\"\n[timeouts]\nweb_silence = \"2m\"",
		"ROLLCALL_LISTEN_CLIENTS=:3", "ROLLCALL_TIMEOUTS_WEB_SILENCE=3m", "ROLLCALL_WEB_ORIGINS=https://a.example, http://b.example:8080",
		"ROLLCALL_LOG_LEVEL=debug", "ROLLCALL_DIR=there")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen.Clients != ":3" || c.Listen.Ops != ":2" || time.Duration(c.Timeouts.WebSilence) != 3*time.Minute || c.Dir != "there" {
		t.Errorf("got %+v", c)
	}
	if want := []config.Origin{"https://a.example", "http://b.example:8080"}; !reflect.DeepEqual(c.Web.Origins, want) {
		t.Errorf("origins %q, want %q", c.Web.Origins, want)
	}
}

func TestTheEnvironmentNamesProxies(t *testing.T) {
	c, err := load(t, "", "ROLLCALL_LISTEN_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.7", "ROLLCALL_LISTEN_PROXY_PROTOCOL=true")
	if got := fmt.Sprint(c.Listen.TrustedProxies); err != nil || got != "[10.0.0.0/8 192.0.2.7/32]" || !c.Listen.ProxyProtocol {
		t.Errorf("got %s, %v, %v", got, c.Listen.ProxyProtocol, err)
	}
	for _, wrong := range []string{"ROLLCALL_LISTEN_TRUSTED_PROXIES=10.0.0.0/8,proxy", "ROLLCALL_LISTEN_PROXY_PROTOCOL=yes"} {
		if _, err := load(t, "", wrong); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}

func TestAVariableThatIsMisspeltIsToldSo(t *testing.T) {
	_, err := load(t, "", "ROLLCALL_TLS_CERT=here.pem", "ROLLCALL_KEY=none of ours", "PATH=/bin")
	want := "ROLLCALL_TLS_CERT: unknown variable; behind ROLLCALL_TLS_ there is CERTIFICATE, KEY"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheMistakesOfFileAndEnvironmentAreToldTogether(t *testing.T) {
	_, err := load(t, "[log]\nlevel = \"loud\"", "ROLLCALL_LOG_FORMAT=xml", "ROLLCALL_LISTN=3")
	for _, want := range []string{"line 2: log.level: ", "\nROLLCALL_LOG_FORMAT: ", "\nROLLCALL_LISTN: unknown variable; "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestVariablesAreThoseThatSaySomething(t *testing.T) {
	environment := []string{"ROLLCALL_LOG_LEVEL=debug", "ROLLCALL_DIR=", "ROLLCALL_KEY=x", "ROLLCALL_LISTN=3", "PATH=/bin", "ROLLCALL_LISTEN_OPS=:1"}
	if got := config.Variables(environment); !reflect.DeepEqual(got, []string{"ROLLCALL_LISTEN_OPS", "ROLLCALL_LOG_LEVEL"}) {
		t.Errorf("got %q", got)
	}
	err := config.Unknown(environment)
	if err == nil || !strings.HasPrefix(err.Error(), "ROLLCALL_LISTN: unknown variable; ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want ROLLCALL_LISTN alone", err)
	}
}

func TestAVariableOfAMisspeltSectionIsToldSo(t *testing.T) {
	_, err := load(t, "", "ROLLCALL_LITSEN_CLIENTS=127.0.0.1:1")
	want := "ROLLCALL_LITSEN_CLIENTS: unknown variable; there is ROLLCALL_DIR, what begins with ROLLCALL_LIMITS_, ROLLCALL_LISTEN_, "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s...", err, want)
	}
}

// A cluster tells its containers where a service called rollcall is.
func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	_, err := load(t, "", "ROLLCALL_TEST_NODE=1", "ROLLCALL_SERVICE_HOST=10.0.0.7", "ROLLCALL_SERVICE_PORT_CLIENTS=7400",
		"ROLLCALL_PORT=tcp://10.0.0.7:7400", "ROLLCALL_PORT_7400_TCP_ADDR=10.0.0.7", "ROLLCALLS=1")
	if err != nil {
		t.Error(err)
	}
}

func TestTheEnvironmentsMistakesNameTheVariable(t *testing.T) {
	_, err := load(t, "", "ROLLCALL_LOG_FORMAT=xml", "ROLLCALL_TIMEOUTS_LOGIN=soon")
	want := "ROLLCALL_TIMEOUTS_LOGIN: \"soon\": want a duration, as 90s or 1m30s\nROLLCALL_LOG_FORMAT: \"xml\": want text or json"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = load(t, "", "ROLLCALL_TIMEOUTS_SILENCE=1s")
	if err == nil || !strings.HasPrefix(err.Error(), "timeouts.silence: want silence to be longer") {
		t.Errorf("a silence shorter than the heartbeat: got %v", err)
	}
}

func TestPathsAreMeantFromTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.toml")
	text := "dir = \"data\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"/elsewhere/key.pem\""
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Dir != filepath.Join(dir, "data") || c.TLS.Certificate != filepath.Join(dir, "cert.pem") || c.TLS.Key != "/elsewhere/key.pem" {
		t.Errorf("got %q, %q, %q", c.Dir, c.TLS.Certificate, c.TLS.Key)
	}
}

func TestAFileIsBounded(t *testing.T) {
	if _, err := load(t, strings.Repeat("#", config.MaxFileBytes+1)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file of a megabyte and a byte: %v", err)
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.toml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
