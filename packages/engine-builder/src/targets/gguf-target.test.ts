import { describeGgufs } from "../../test/gguf-suite.ts";
import { standIns } from "../../test/stand-in/tools.ts";

describeGgufs("an engine for the embedded executor, of the stand-in's checkpoints", standIns);
