import { describeCheckpoints } from "../../test/checkpoint-suite.ts";
import { standIns } from "../../test/stand-in/tools.ts";

describeCheckpoints("quantizeModel, on the stand-in for ModelOpt", standIns);
