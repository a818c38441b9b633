internal import LinuxSystem

extension Plan {
    /// The plan as a script of sh(1), for people who want to do it by hand: each step is a comment,
    /// with the commands of the same effect below it, or the reason why there are none.
    ///
    /// Two shells take it, as two processes take the plan; a turn is a line through a FIFO. The root
    /// changes last: mount(8) and setpriv(1) are the host's.
    public var shellScript: String {
        get throws(Failure) {
            guard let entry = steps.firstIndex(where: { $0.step.isScripted }),
                namespaces.contains(.mount), !joinsContainer, !entersLate,
                steps.contains(where: { $0.step is PivotRoot })
            else {
                throw Failure(
                    "--format sh: only a start with a mount namespace of its own, and with none that is"
                        + " joined, can be written as a script")
            }
            var writer = ShellWriter(plan: self)
            for (index, planned) in allSteps.enumerated() {
                if index == entry {
                    writer.spawn(index, namespaces, planned.step as? EnterNamespaces)
                } else {
                    writer.add(index, planned)
                }
            }
            return writer.text
        }
    }
}

extension Step {
    /// Whether unshare(1) makes the init process as this step does.
    fileprivate var isScripted: Bool {
        if let step = self as? EnterNamespaces { return step.joined.isEmpty }
        return self is CreateNamespaces
    }
}

/// Writes the two halves of the script.
private struct ShellWriter {
    let plan: Plan
    private let lines: [String]
    private var host = ""
    private var container = ""
    /// Whether the container's shell waits for the host's, which is in the middle of a turn.
    private var isTurn = false
    private var stages = 0
    private var afterPivot: [String] = []

    init(plan: Plan) {
        self.plan = plan
        lines = plan.text.split(separator: "\n").map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
    }

    mutating func add(_ index: Int, _ planned: PlannedStep) {
        var commands = ShellCommands()
        planned.step.shell(&commands)
        let isHosts = planned.side == .runtime
        var text = "    # \(lines[index])\n"
        for note in commands.notes { text += "    #     \(note.printable)\n" }
        if commands.lines.isEmpty && commands.notes.isEmpty && commands.afterPivot.isEmpty {
            text += ShellWriter.lack(type(of: planned.step).manual)
        }
        if index >= plan.firstAfterStart || index < plan.entry {
            host += text + commands.lines.map { "    \($0)\n" }.joined()
            return
        }
        afterPivot += commands.afterPivot
        if !isHosts {
            endTurn()
        } else if !isTurn && !commands.lines.isEmpty {
            isTurn = true
            container += "    turn\n"
            host += "    hear\n"
        }
        if planned.isProgram { pivot(index) }
        var block = ""
        for line in commands.lines {
            guard line.hasPrefix(ShellCommands.newStage) else {
                block += "    \(line)\n"
                continue
            }
            stages += 1
            let words = line.dropFirst(ShellCommands.newStage.count)
            block += "    exec \(words) \"$sh\" \"$0\" stage\(stages)\n}\n\n"
            block += "stage\(stages)() {\n    set --\n"
        }
        if isHosts { host += text + block } else { container += text + block }
    }

    private static func lack(_ manual: StepManual) -> String {
        "    #     No command: only a program that makes the calls itself does it (\(manual.calls)).\n"
    }

    private mutating func endTurn() {
        if !isTurn { return }
        isTurn = false
        host += "    answer\n"
    }

    /// - Parameter entered: Where a time namespace is made, whose clocks unshare(1) sets.
    mutating func spawn(_ index: Int, _ namespaces: NamespaceSet, _ entered: EnterNamespaces?) {
        var options = NamespaceKind.all.filter { namespaces.contains($0.flag) }
            .map {
                $0.flag == .user
                    ? "--user --keep-caps" : "--\($0.file == "mnt" ? "mount" : $0.file)"
            }
        for offset in entered?.timeOffsets ?? [] {
            options.append("--\(offset.clock) \(offset.seconds)")
        }
        let flags = options.joined(separator: " ")
        host += "    # \(lines[index])\n"
        if entered?.timeOffsets.contains(where: { $0.nanoseconds > 0 }) == true {
            host += "    #     unshare(1) sets a clock by whole seconds.\n"
        }
        host += """
                {
                    exec <&5
                    code=0
                    unshare --fork --kill-child --propagation unchanged \(flags) \\
                        "$sh" "$0" container || code=$?
                    echo end >&3
                    exit "$code"
                } &
                child=$!
                read -r pid <&3

            """
        guard let mappings = entered?.mappings else { return }
        // The step has written them while it made the process.
        var commands = ShellCommands()
        WriteMappings(mappings: mappings, writer: .runtime).shell(&commands)
        isTurn = true
        container += "    turn\n"
        host += "    hear\n" + commands.lines.map { "    \($0)\n" }.joined()
    }

    /// The last turn.
    private mutating func pivot(_ index: Int) {
        container +=
            "    last='echo turn >&3; read -r _ <&4; exec 3>&- 4<&- 5<&-'\n"
        let number = 1 + (plan.steps.firstIndex { $0.step is PivotRoot } ?? 0)
        host += """
                hear
                # Step \(number): the container's tree becomes the root, and the host's goes.
                nsenter --target "$pid" --mount "$sh" -c 'cd "$1" && exec pivot_root . .' sh "$root"
                umount --namespace "$pid" --lazy /

            """
        host += afterPivot.map { "    \($0)\n" }.joined()
        host += """
                answer
                code=0
                wait "$child" || code=$?
                # The program has ended.

            """
    }

    var text: String {
        ShellWriter.head + "\nruntime() {\n" + host + "    exit \"$code\"\n}\n\ncontainer() {\n"
            + "    read -r pid _ < /proc/self/stat\n    echo \"$pid\" >&3\n    set --\n"
            + container + "}\n" + ShellWriter.tail
    }

    private static let head = """
        #!/bin/sh
        # What vfs-run does for this config, by hand: run it as root with sh FILE. Each step is that of
        # "vfs-run plan", which says with --explain why it is where it is.
        #
        # It is for reading and trying, not for programs that you do not trust: it follows the symbolic
        # links of the image as root, and lacks the steps that no command does.
        set -eu

        # The two processes hand one another lines: the container asks, and waits for the answer.
        turn() { echo turn >&3; read -r _ <&4; }
        hear() { read -r word <&3; [ "$word" = turn ] || { wait "$child"; exit; }; }
        answer() { echo go >&4; }

        # A place to mount on: directory PATH, file PATH.
        directory() { [ -d "$1" ] || mkdir -p -- "$1"; }
        file() { [ -e "$1" ] || { mkdir -p -- "${1%/*}"; : > "$1"; }; }
        mask() {
            if [ -d "$1" ]; then
                mount -t tmpfs -o nosuid,nodev,noexec,mode=555,nr_inodes=1 none "$1"
                mount -o remount,bind,ro "$1"
            elif [ -e "$1" ]; then
                mount --bind "$root/dev/null" "$1"
            fi
        }
        read_only() {
            [ -e "$1" ] || return 0
            mount --rbind "$1" "$1"
            mount -o remount,bind,ro "$1"
        }
        device() { mkdir -p -- "${4%/*}"; [ -e "$4" ] || mknod -m "$5" "$4" "$1" "$2" "$3"; }
        host_device() { file "$2"; mount --bind "$1" "$2"; }
        link() { [ -e "$2" ] || [ -h "$2" ] || ln -s "$1" "$2"; }

        # The control group, in version 1 a directory for each controller, in version 2 one.
        groups() {
            if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo "/sys/fs/cgroup/$group"; return; fi
            for hierarchy in /sys/fs/cgroup/*/; do
                [ -e "$hierarchy/cgroup.procs" ] && echo "$hierarchy$group"
            done
        }
        make_group() {
            trap remove_group EXIT
            for made in $(groups); do
                mkdir -p "$made"
                for list in cpuset.cpus cpuset.mems; do
                    [ ! -e "$made/$list" ] || cat "${made%/*}/$list" > "$made/$list"
                done
            done
        }
        enter_group() { for made in $(groups); do echo "$1" > "$made/cgroup.procs"; done; }
        # limit FILE VALUE of version 1, FILE VALUE of version 2; - for none.
        limit() {
            if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
                [ "$3" = - ] || printf %s "$4" > "/sys/fs/cgroup/$group/$3"
            else
                [ "$1" = - ] || printf %s "$2" > "/sys/fs/cgroup/${1%%.*}/$group/$1"
            fi
        }
        # device_rule FILE VALUE: version 1 alone.
        device_rule() {
            if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
                echo "$0: devices are not filtered: that takes a BPF program" >&2
                device_rule() { :; }
            else
                echo "$2" > "/sys/fs/cgroup/devices/$group/$1"
            fi
        }
        # mapped_layer PATH NAME MAPPINGS: the layer as the container's ids see it.
        mapped_layer() {
            mkdir "$work/$2"
            case $(mount --version) in
            *idmapping*) mount --bind -o "X-mount.idmap=$3" -- "$1" "$work/$2" ;;
            *)
                echo "$0: mount(8) is older than 2.39: the files of $1 belong to nobody" >&2
                mount --bind -- "$1" "$work/$2"
                ;;
            esac
        }
        remove_group() { trap - EXIT; for made in $(groups); do rmdir "$made"; done; }

        sh=$(command -v sh)
        setpriv=$(command -v setpriv)
        setsid=$(command -v setsid)
        session= entered=/ home=

        """

    private static let tail = """

        case "${1-}" in
        '')
            work=$(mktemp -d)
            # The root of a user namespace enters it, too.
            chmod 711 "$work"
            export work
            cp -- "$0" "$work/script"
            chmod 755 "$work/script"
            code=0
            unshare --mount --propagation slave "$sh" "$work/script" runtime || code=$?
            rm -r -- "$work"
            exit "$code"
            ;;
        runtime)
            root=$work/root group=vfs-run-by-hand-$$
            export root group
            mkdir "$root" "$work/upper"
            mkfifo "$work/ask" "$work/answer"
            exec 3<> "$work/ask" 4<> "$work/answer" 5<&0
            runtime
            ;;
        *) "$1" ;;
        esac

        """
}
