import Glibc
import Testing

/// `vfs.network` with pasta and slirp4netns, in a network namespace of the test's own in the host's
/// place: it has a route, an address that stands for the world, and a server there and at 127.0.0.1.
struct NetworkHelperTests {
    /// Runs a shell's commands in there; `"$@"` in them is the runtime.
    private func world(
        _ box: Sandbox, _ commands: String, before: String = ""
    ) throws -> Outcome {
        for tool in ["pasta", "slirp4netns", "ip"] where Host.find(tool) == nil {
            try skip(
                "\(tool) is not installed; scripts/install-dependencies test names the package")
        }
        if access("/dev/net/tun", F_OK) != 0 { try skip("the kernel has no /dev/net/tun") }
        try box.write("www/word", "from the world\n")
        let script = """
            set -e
            mount -t tmpfs tmpfs /run
            ip link set lo up; ip link add br0 type bridge; ip link set br0 up
            ip addr add 10.9.0.1/24 dev br0; ip addr add 10.9.0.2/32 dev lo
            ip route add default via 10.9.0.254 dev br0
            for address in 10.9.0.2:8099 127.0.0.1:8098 [::1]:8098; do
                /bin/busybox httpd -f -p $address -h \(box.path("www")) &
            done
            reach() { /bin/busybox wget -q -O - http://$1/word; }
            for address in 10.9.0.2:8099 127.0.0.1:8098; do
                tries=0
                until reach $address > /dev/null 2>&1; do
                    tries=$((tries + 1)); [ $tries -lt 1000 ]
                done
            done
            helpers() {
                found=
                for process in /proc/[0-9]*; do
                    read -r name < $process/comm 2> /dev/null || continue
                    case $name in pasta*|passt*|slirp4netns) found="$found $name" ;; esac
                done
            }
            \(before)
            set +e
            \(commands)
            """
        let words = [
            "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c",
            script, "sh", Host.runtime,
        ]
        let unshare = try #require(Host.find("unshare"))
        return try Running(
            unshare, words, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            directory: box.directory
        ).finish(seconds: 120)
    }

    /// For a shell in the container. An end of one direction is not always passed on by helpers.
    private let get = """
        get() {
            printf 'GET /word HTTP/1.0\\r\\n\\r\\n' |
                /bin/busybox timeout 5 /bin/busybox nc -w 2 $1 $2 2> /dev/null |
                /bin/busybox tail -n 1
        }
        """

    private func config(_ box: Sandbox, _ network: String, _ script: String) throws -> String {
        var config = box.config()
        config["vfs"]["network"] = .string(network)
        config.addUserNamespace()
        config.run(["sh", "-c", script])
        return try box.write("bundle/config.json", config.prettyText)
    }

    @Test(arguments: ["pasta", "slirp4netns"])
    func `the program reaches what the host reaches, and nothing of the host's loopback`(
        network: String
    ) throws {
        try Sandbox.use { box in
            let gateway = network == "pasta" ? "10.9.0.254" : "10.0.2.2"
            let file = try config(
                box, network,
                """
                \(get)
                get 10.9.0.2 8099; get 127.0.0.1 8098; get \(gateway) 8098
                cat /etc/resolv.conf; echo end
                """)
            let outcome = try world(
                box, "\"$@\" --diff \(file); echo code $?; helpers; echo \"left:$found\"")
            let server = network == "pasta" ? "169.254.1.1" : "10.0.2.3"
            #expect(
                outcome.output.hasPrefix("from the world\nnameserver \(server)\nend\n"),
                "\(outcome)")
            #expect(outcome.output.hasSuffix("code 0\nleft:\n"), "\(outcome)")
            #expect(!outcome.output.contains("M /etc/resolv.conf"), "\(outcome)")
        }
    }

    /// The gateways, the name servers, the host's own addresses, and what stands for 127.0.0.1 elsewhere.
    @Test(arguments: ["pasta", "slirp4netns"])
    func `no address stands for the host's loopback interface`(network: String) throws {
        try Sandbox.use { box in
            let file = try config(
                box, network,
                """
                \(get)
                for address in 127.0.0.1 127.0.0.2 127.1.2.3 0.0.0.0 ::1 ::ffff:127.0.0.1 \
                    10.9.0.254 10.9.0.1 10.9.0.2 10.0.2.2 10.0.2.3 10.0.2.100 10.0.2.15 \
                    169.254.1.1 169.254.2.1 192.0.2.1 255.255.255.255 fd00::2 fd00::3 fe80::1
                do
                    get $address 8098 &
                done
                wait
                get 10.9.0.2 8099
                """)
            let outcome = try world(box, "\"$@\" \(file); echo code $?")
            #expect(outcome.output == "from the world\ncode 0\n", "\(outcome)")
        }
    }

    @Test(arguments: ["pasta", "slirp4netns"])
    func `the helper ends with a runtime that is killed`(network: String) throws {
        try Sandbox.use { box in
            let file = try config(box, network, "echo ready; exec sleep 1000")
            let outcome = try world(
                box,
                """
                mkfifo said; "$@" \(file) > said & runtime=$!
                read -r word < said; helpers; echo "$word:$found"
                kill -9 $runtime; wait $runtime
                tries=0; helpers
                while [ -n "$found" ] && [ $tries -lt 1000 ]; do tries=$((tries + 1)); helpers; done
                echo "left:$found"
                """)
            #expect(outcome.output.hasPrefix("ready: "), "\(outcome)")
            #expect(outcome.output.hasSuffix("left:\n"), "\(outcome)")
        }
    }

    @Test(arguments: ["pasta", "slirp4netns"])
    func `an ordinary user has it too`(network: String) throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["vfs"]["network"] = .string(network)
            config.run(["/bin/sh", "-c", "\(get)\nget 10.9.0.2 8099"])
            try box.makeDirectory("states/work")
            try box.write("states/work/get.sh", "\(get)\nget 10.9.0.2 8099\n")
            lchown(box.path("states/work"), OrdinaryUser.id, OrdinaryUser.id)
            let file = try box.write("bundle/config.json", config.prettyText)
            let user = OrdinaryUser.id
            let outcome = try world(
                box,
                """
                export XDG_RUNTIME_DIR=\(box.path("states")) HOME=\(box.path("states"))
                as="setpriv --reuid=\(user) --regid=\(user) --clear-groups"
                $as ./vfs-run \(file); here=$PWD; cd states/work
                # Here no id is root's.
                $as $here/vfs-run sandbox -q --network \(network) -- /bin/sh get.sh 2> /dev/null
                helpers; echo "left:$found"
                """,
                before: """
                    mkdir /run/net; mknod /run/net/tun c 10 200; chmod 666 /run/net/tun
                    mount --bind /run/net/tun /dev/net/tun
                    """)
            #expect(
                outcome.output == "from the world\nfrom the world\nleft:\n", "\(outcome)")
        }
    }

    @Test(arguments: ["pasta", "slirp4netns"])
    func `a helper that cannot make the network is an error with its words`(network: String) throws
    {
        try Sandbox.use { box in
            let file = try config(box, network, "echo it ran")
            let outcome = try world(
                box, "\"$@\" \(file); echo code $?; helpers; echo \"left:$found\"",
                before: "mount --bind /dev/null /dev/net/tun")
            #expect(outcome.output == "code 125\nleft:\n", "\(outcome)")
            #expect(outcome.error.contains("has not made the network"), "\(outcome)")
        }
    }

    @Test(arguments: ["pasta", "slirp4netns"])
    func `a helper that is missing is named with its package`(network: String) throws {
        try Sandbox.use { box in
            let file = try config(box, network, "echo it ran")
            let outcome = try world(
                box, "\"$@\" \(file); echo code $?",
                before: "mount --bind /dev/null $(command -v \(network))")
            #expect(outcome.output == "code 125\n", "\(outcome)")
            let package = network == "pasta" ? "passt" : "slirp4netns"
            #expect(outcome.error.contains("\(network) is not installed"), "\(outcome)")
            #expect(outcome.error.contains("install the package \(package)"), "\(outcome)")
        }
    }
}

extension Value {
    /// Root inside is a user of the host without rights.
    fileprivate mutating func addUserNamespace() {
        var namespaces = self["linux"]["namespaces"].array ?? []
        namespaces.append(["type": "user"])
        self["linux"]["namespaces"] = .array(namespaces)
        let mapping: Value = ["containerID": 0, "hostID": 100_000, "size": 65536]
        self["linux"]["uidMappings"] = .array([mapping])
        self["linux"]["gidMappings"] = .array([mapping])
    }
}
