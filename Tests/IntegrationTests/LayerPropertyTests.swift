import Glibc
import Testing

/// Random changes made by several runs with snapshots between them: the layer that `commit` makes of
/// them, in each of its forms, gives the tree that the kernel's own overlay of the parts shows.
///
/// VFS_RUN_PROPERTY_SEEDS says how many programs each kind of container runs; VFS_RUN_PROPERTY_FIRST
/// the number of the first one, to repeat what a message names.
struct LayerPropertyTests {
    enum Caller: String, CaseIterable, Sendable {
        case root, mapped, ordinary
    }

    struct Kind: Sendable, CustomTestStringConvertible {
        var caller: Caller
        var options: [String]
        var testDescription: String { "\(caller) \(options.joined(separator: ","))" }
    }

    static let kinds: [Kind] =
        [
            [], ["redirect_dir=on"], ["redirect_dir=on", "metacopy=on"], ["userxattr"],
            ["xino=auto"], ["volatile"],
        ].map { Kind(caller: .root, options: $0) }
        + [[], ["redirect_dir=on", "metacopy=on"]].map { Kind(caller: .mapped, options: $0) }
        + [Kind(caller: .ordinary, options: [])]

    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    @Test(arguments: kinds)
    func `a commit of several snapshots is what the kernel shows of them`(_ kind: Kind) throws {
        let first = Self.number("VFS_RUN_PROPERTY_FIRST") ?? 1
        let count = Self.number("VFS_RUN_PROPERTY_SEEDS") ?? 1
        for seed in first..<first + count {
            try Sandbox.use { box in try check(box, kind, seed) }
        }
    }

    // MARK: One program

    private func check(_ box: Sandbox, _ kind: Kind, _ seed: UInt64) throws {
        let place = "seed \(seed), \(kind.testDescription)"
        let changes = RandomPrograms(seed: seed &* 104_729 &+ UInt64(kind.options.count))
        if kind.caller == .ordinary { try box.prepareOrdinary() }
        for name in ["low", "high"] { try changes.makeLayer(box, name) }
        try box.write("high/data/linked", "one file")
        try? box.makeDirectory("high/data/a")
        link(box.path("high/data/linked"), box.path("high/data/a/linked"))
        let isVolatile = kind.options.contains("volatile")
        let rounds = isVolatile ? 1 : 3 + changes.random(2)
        let states = kind.caller == .ordinary ? "keep/state" : "state"
        let state = box.path(states)
        box.mayChange = ["state"]
        if kind.caller == .ordinary { try own(box, ["low", "high"]) }
        // So many layers that the first snapshots are merged: of every program for half of the kinds.
        let position = Self.kinds.firstIndex { $0.options == kind.options } ?? 0
        let merges = !isVolatile && kind.caller == .root && (Int(seed) + position) % 2 == 0
        let empty = merges ? 475 : 0
        for number in 0..<empty { try box.makeDirectory("empty/\(number)") }
        let layers =
            ["low"] + (0..<empty).map { "empty/\($0)" } + ["high"]
        for round in 0..<rounds {
            let script = changes.script(15)
            let freezing =
                round > 0 && (merges || changes.random(3) > 0)
                ? ["--snapshot", "round\(round)"] : []
            let outcome = try run(
                box, kind, layers.map(box.path), ["--upper", state] + freezing, script)
            try #require(outcome.code == 0 || outcome.code == 1, "\(place): \(outcome)\n\(script)")
            try #require(!outcome.error.contains("vfs-run:"), "\(place): \(outcome)")
        }
        try compare(box, kind, layers, states, place)
    }

    private func own(_ box: Sandbox, _ trees: [String]) throws {
        let chown = try #require(Host.find("chown"))
        let words = ["-hR", "\(OrdinaryUser.id):\(OrdinaryUser.id)"] + trees.map(box.path)
        #expect(try Running(chown, words).finish().code == 0)
    }

    private func run(
        _ box: Sandbox, _ kind: Kind, _ layers: [String], _ options: [String], _ script: String
    ) throws -> Outcome {
        let rights = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD"]
        let quiet = "(\(script)) 2> /dev/null; true"
        if kind.caller == .ordinary {
            var config = box.ordinaryConfig()
            config.grant(rights)
            config["vfs"]["overlay"]["layers"] = Value([box.path("rootfs")] + layers)
            config["vfs"]["overlay"]["options"] = Value(kind.options)
            let busybox =
                "for a in mkdir rm mv chmod chown touch ln cp mkfifo; do alias $a=\"busybox $a\"; done\n"
            return try box.runOrdinary(config, options: options, shell: busybox + quiet)
        }
        var config = box.config()
        config.grant(rights)
        config["vfs"]["overlay"]["layers"] = Value([Host.base, box.probeLayer] + layers)
        config["vfs"]["overlay"]["options"] = Value(kind.options)
        if kind.caller == .mapped { config.mapIDs() }
        return try box.run(config, options, arguments: ["sh", "-c", quiet])
    }

    /// Everything that a layer promises to keep of /data, as text: kind, mode, owner, size, target,
    /// which names are one file, content, extended attributes.
    private static let list = """
        show() (
            cd "$1/data" || exit
            find . -mindepth 1 \\( -type d -printf '%p d %m %U:%G\\n' \\
                -o -printf '%p %y %m %U:%G %l %s\\n' \\) | sed -E "$ids" | sort
            find . ! -type d -links +1 -printf '%i %p\\n' | sort | awk '
                { if ($1 != last && NR > 1) print line; line = $1 != last ? "" : line; last = $1
                  sub(/^[0-9]+ /, ""); line = line "=" $0 } END { print line }' | grep '=.*=' | sort
            find . -type f -exec md5sum {} + | sort
            find . -type f -print0 | sort -z | xargs -0r getfattr -h -d -m '^user.test$'
        )

        """

    /// One more reader of the same image, where it is installed (make test-clients). Its images lie
    /// in a place of their own and go with it.
    private static let podman =
        Host.find("podman") == nil
        ? "echo 'skipped: podman is not installed' >&2"
        : """
        podman="podman --root $PWD/store --runroot $PWD/run --tmpdir $PWD/tmp --storage-driver vfs"
        image=$($podman pull -q oci:layout:t)
        mkdir podman; mount --bind "$($podman image mount $image)" podman
        trees="$trees podman"
        """

    private func compare(
        _ box: Sandbox, _ kind: Kind, _ layers: [String], _ state: String, _ place: String
    ) throws {
        func succeed(_ words: String...) throws {
            let outcome =
                kind.caller == .ordinary
                ? try box.startOrdinary(words).finish() : try box.runCommand(words)
            try #require(outcome.code == 0, "\(place): \(words): \(outcome)")
        }
        let out = kind.caller == .ordinary ? "keep/" : ""
        try succeed("commit", "-q", box.path(state), "-o", box.path("\(out)layer") + "/")
        try succeed("commit", "-q", box.path(state), "-o", box.path("\(out)layer.tar"))
        try succeed("export", "-q", box.path(state), "-o", box.path("\(out)whole.tar"))
        // An image of the same layers.
        let tar = try #require(Host.find("tar"))
        var archives: [[UInt8]] = []
        for name in ["low", "high"] {
            let words = [
                "--numeric-owner", "--xattrs", "-C", box.path(name), "-cf", box.path("\(name).tar"),
                ".",
            ]
            #expect(try Running(tar, words).finish().code == 0)
            archives.append(try #require(Host.bytes(box.path("\(name).tar"))))
        }
        archives.append(try #require(Host.bytes(box.path("\(out)layer.tar"))))
        try box.writeLayout([("t", nil, archives.map { ($0, .none) })])
        let unpacked = try box.unpack("oci:\(box.path("layout")):t")
        try #require(unpacked.code == 0, "\(place): \(unpacked)")
        let paths = try Value(parsing: box.read("app/config.json"))["vfs"]["overlay"]["layers"]
        let image = (paths.array ?? []).compactMap(\.string).map { "app/" + $0 }
        let snapshots = TreeSnapshot.names(in: box.path("\(state)/snapshots")).sorted()
        let parts = layers + snapshots.map { "\(state)/snapshots/\($0)" } + ["\(state)/upper"]
        let isUser = kind.caller == .ordinary || kind.options.contains("userxattr")
        let notes = isUser ? "userxattr" : "redirect_dir=on,metacopy=on"
        let umoci = try #require(Host.find("umoci"))
        // Owners as the container has them: those of the user, or of the mapping, are its root's.
        let ids =
            "s/ (\(OrdinaryUser.id)|100000):/ 0:/; s/:(\(OrdinaryUser.id)|100000)( |$)/:0\\2/;"
            + "s/ 10000([1-9]):/ \\1:/; s/:10000([1-9])( |$)/:\\1\\2/"
        let script =
            Self.list + """
                set -e; cd '\(box.directory)'; ids='\(ids)'
                mkdir kernel committed image whole
                # Short names, so that many of them fit into one page.
                mkdir n; i=0; kernel=
                for part in \(parts.map { "'\($0)'" }.joined(separator: " ")); do
                    ln -s "../$part" n/$i; kernel=$i${kernel:+:$kernel}; i=$((i + 1))
                done
                ln -s '../\(out)layer' n/c; ln -s ../low n/l; ln -s ../high n/h
                j=0; image=; for part in \(image.map { "'\($0)'" }.joined(separator: " ")); do
                    ln -s "../$part" n/i$j; image=i$j${image:+:$image}; j=$((j + 1))
                done
                cd n
                mount -t overlay o -o "\(notes),lowerdir=$kernel" ../kernel
                mount -t overlay o -o "\(notes),lowerdir=c:h:l" ../committed
                mount -t overlay o -o "lowerdir=$image" ../image
                cd ..
                tar --numeric-owner --xattrs -C whole -xpf '\(out)whole.tar'
                umoci unpack --image layout:t theirs > /dev/null
                trees="committed image whole theirs/rootfs"
                \(Self.podman)
                for tree in kernel $trees; do show $tree > list.$(basename $tree) 2>&1; done
                for tree in $(for tree in $trees; do basename $tree; done); do
                    cmp -s list.kernel list.$tree || { echo "-- $tree"; diff list.kernel list.$tree || true; }
                done
                wc -l < list.kernel
                """
        let compared = try Running(
            try #require(Host.find("unshare")), ["-m", "sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin:\(umoci.dropLast(6))"]
        ).finish()
        let lines = compared.output.split(separator: "\n")
        #expect(
            compared.code == 0 && lines.count == 1 && (Int(lines.first ?? "") ?? 0) > 10,
            "\(place): \(compared)")
    }
}
