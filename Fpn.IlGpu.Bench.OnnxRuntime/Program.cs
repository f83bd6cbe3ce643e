using System.CommandLine;
using Fpn.IlGpu.Bench.OnnxRuntime;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Microsoft.ML.OnnxRuntime;

var model = new Argument<string>("MODEL") { Description = "A .onnx file that 'fpn weights convert' wrote." };
var pictures = new Argument<string[]>("PICTURE")
{
    Description = "Pictures, or folders of PNG and JPEG files.",
    Arity = ArgumentArity.OneOrMore,
};
var weights = new Option<string?>("--weights", "-w")
{
    Description = "The file that the library loads instead of MODEL: the one that MODEL was converted from.",
    HelpName = "FILE",
};
var set = new Option<string?>("--config")
{
    Description = "Keys of fpn.config for the library, as a JSON object: those that MODEL was converted with.",
    HelpName = "JSON",
};
var runs = new Option<int>("--runs", "-n")
{
    Description = "How often each picture is timed; the median counts. 0 compares only.",
    HelpName = "N",
    DefaultValueFactory = _ => 0,
};
var threads = new Option<int>("--threads", "-t")
{
    Description = "Threads of ONNX Runtime; 0 for one a core.",
    HelpName = "N",
    DefaultValueFactory = _ => 0,
};
var root = new RootCommand(
    "Runs an exported model in ONNX Runtime on the CPU, and compares its detections with the library's. Ends with 1 if they differ.")
{
    model, pictures, weights, set, runs, threads,
};
root.SetAction(parsed => Comparison.Run(
    parsed.GetRequiredValue(model), PictureFiles.Of(parsed.GetRequiredValue(pictures)), parsed.GetValue(weights), parsed.GetValue(set),
    parsed.GetValue(runs), parsed.GetValue(threads)));

try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is DeviceException or WeightsException or PictureException or OnnxRuntimeException or FileNotFoundException)
{
    Console.Error.WriteLine($"onnxruntime: {e.Message}");
    return 1;
}
