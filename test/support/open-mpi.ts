import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../.cache/open-mpi", import.meta.url));
if (!existsSync(`${root}/bin/mpirun`)) throw new Error(`There is no ${root}: run "npm run setup".`);

/** Open MPI, which set-up fetches: more processes than cores are fine. */
export const mpirun = [`${root}/bin/mpirun`, "--oversubscribe"];

/** It refuses to run as root, as containers do, unless it is told twice. */
export const openMpiEnvironment = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  LD_LIBRARY_PATH: `${root}/lib`,
};
