import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, realpathSync, writeFileSync } from 'node:fs';
import { built, source } from './files.js';

/** A program that is not installed here, and what brings it. */
export class Missing extends Error {
  readonly _tag = 'Missing';
}

const BUILDING = 300_000;

/** Runs a program to its end and gives what it printed. Throws `Missing` with `otherwise` when it is not there. */
export const output = (command: readonly string[], otherwise: string, cwd?: string): string => {
  const [program, ...args] = command as [string, ...string[]];
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: BUILDING });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw new Missing(otherwise);
  if (status === 0) return `${stdout}${stderr}`;
  throw new Error(`${command.join(' ')}: ${error?.message ?? ''}${stderr}`);
};

const C = 'there is no C compiler (cc): apt-get install gcc libc6-dev';

/** Compiles one C file of bench/ and gives the program. */
export const buildC = (path: string, name: string): string => {
  const program = `${built('c')}/${name}`;
  output(['cc', '-O2', '-Wall', '-Wextra', '-o', program, source(path)], C);
  return program;
};

export const versionOfC = (): string => firstLine(output(['cc', '--version'], C));

const GO = 'there is no Go: apt-get install golang-go';

export const buildGo = (): string => {
  const program = `${built('go')}/echo`;
  output(['go', 'build', '-o', program, '.'], GO, source('rivals/go'));
  return program;
};

export const versionOfGo = (): string => firstLine(output(['go', 'version'], GO));

const CRATES = '/usr/share/cargo/registry';
const RUST = 'there is no Rust with tokio: apt-get install cargo librust-tokio-dev';

/** Builds offline, from the crates that Debian packages. */
export const buildRust = (): string => {
  if (!existsSync(CRATES)) throw new Missing(RUST);
  const folder = built('rust');
  cpSync(source('rivals/rust'), folder, { recursive: true });
  writeFileSync(
    `${built('rust/.cargo')}/config.toml`,
    `[source.crates-io]\nreplace-with = "debian"\n\n[source.debian]\ndirectory = "${CRATES}"\n`,
  );
  output(['cargo', 'build', '--quiet', '--release', '--offline'], RUST, folder);
  return `${folder}/target/release/tokio-echo`;
};

export const versionOfRust = (): string => {
  const tokio = output(['cargo', 'tree', '--offline', '--depth', '1', '--prefix', 'none'], RUST, built('rust'));
  return `${/^tokio v\S+/m.exec(tokio)?.[0] ?? 'tokio'}, ${firstLine(output(['rustc', '--version'], RUST))}`;
};

const JARS = '/usr/share/java';
const JAVA = 'there is no Java with Netty: apt-get install default-jdk-headless libnetty-java';
const NETTY = ['buffer', 'codec', 'common', 'handler', 'resolver', 'transport'];
const NETTY_EPOLL = ['transport-native-epoll', 'transport-native-unix-common'];

const classPath = (): readonly string[] => {
  const jars = [...NETTY, ...NETTY_EPOLL].map((part) => `${JARS}/netty-${part}.jar`);
  if (!jars.every((jar) => existsSync(jar))) throw new Missing(JAVA);
  return jars;
};

/** Compiles a server for Netty and gives the command that runs it. */
export const buildJava = (name: string): readonly string[] => {
  const folder = built('java');
  const jars = classPath();
  output(['javac', '-cp', jars.join(':'), '-d', folder, source(`rivals/java/${name}.java`)], JAVA);
  return ['java', '-Dio.netty.leakDetection.level=disabled', '-cp', [...jars, folder].join(':'), name];
};

export const versionOfJava = (): string => {
  const netty = /-([\d.]+)\.\w+\.jar$/.exec(realpathSync(classPath()[0] as string))?.[1] ?? '';
  return `Netty ${netty}, ${firstLine(output(['java', '-version'], JAVA))}`;
};

/** The Python that has Twisted: Debian's, where there is another before it. */
export const pythonWithTwisted = (): { readonly python: string; readonly version: string } => {
  for (const python of ['python3', '/usr/bin/python3']) {
    const script = 'import sys, twisted; print("Twisted", twisted.__version__ + ", Python", sys.version.split()[0])';
    const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
    if (status === 0) return { python, version: stdout.trim() };
  }
  throw new Missing('there is no Python with Twisted: apt-get install python3-twisted');
};

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
