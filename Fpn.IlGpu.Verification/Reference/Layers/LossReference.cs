namespace Fpn.IlGpu.Verification.Reference;

/// <summary>The losses by definition, in double: the loss of each row or sample, and the gradient of their sum.</summary>
internal static class LossReference
{
    /// <summary>−scale · weight · log softmax(in)[label]; 0 for rows with a negative label.</summary>
    public static (float[] Losses, float[] Gradient) SoftmaxCrossEntropy(
        float[] logits, int classes, int[] labels, float[] weights, double scale)
    {
        var (losses, gradient) = (new float[labels.Length], new float[logits.Length]);
        for (var m = 0; m < labels.Length; m++)
        {
            if (labels[m] < 0)
                continue;
            double[] row = [.. logits.Skip(m * classes).Take(classes).Select(v => (double)v)];
            var log = row.Max() + Math.Log(row.Sum(v => Math.Exp(v - row.Max())));
            losses[m] = (float)(scale * weights[m] * (log - row[labels[m]]));
            for (var k = 0; k < classes; k++)
                gradient[m * classes + k] = (float)(scale * weights[m] * (Math.Exp(row[k] - log) - (k == labels[m] ? 1 : 0)));
        }
        return (losses, gradient);
    }

    /// <summary>scale · (−t · log p − (1 − t) · log(1 − p)) with p = sigmoid(in[at]).</summary>
    public static (float[] Losses, float[] Gradient) SigmoidCrossEntropy(float[] logits, int[] at, float[] targets, double scale)
    {
        var (losses, gradient) = (new float[at.Length], new float[logits.Length]);
        for (var s = 0; s < at.Length; s++)
        {
            double p = 1 / (1 + Math.Exp(-logits[at[s]])), q = 1 / (1 + Math.Exp(logits[at[s]]));
            losses[s] = (float)(scale * (-targets[s] * Math.Log(p) - (1 - targets[s]) * Math.Log(q)));
            gradient[at[s]] = (float)(scale * (p - targets[s]));
        }
        return (losses, gradient);
    }

    /// <summary>Σ of scale · (|d| &lt; β ? ½ · d² / β : |d| − ½ · β) over four d = in[at + j] − target[j].</summary>
    public static (float[] Losses, float[] Gradient) SmoothL1(float[] predictions, int[] at, float[] targets, double beta, double scale)
    {
        var (losses, gradient) = (new float[at.Length], new float[predictions.Length]);
        for (var s = 0; s < at.Length; s++)
        {
            double sum = 0;
            for (var j = 0; j < 4; j++)
            {
                var d = (double)predictions[at[s] + j] - targets[4 * s + j];
                var isNear = Math.Abs(d) < beta;
                sum += isNear ? 0.5 * d * d / beta : Math.Abs(d) - 0.5 * beta;
                gradient[at[s] + j] = (float)(scale * (isNear ? d / beta : Math.Sign(d)));
            }
            losses[s] = (float)(scale * sum);
        }
        return (losses, gradient);
    }

    /// <summary>
    /// weight · α' · (1 − p)^γ · (−log p), with p = sigmoid(in) and α' = α for an anchor's class, p = 1 − sigmoid(in) and α' = 1 − α for
    /// all others; 0 for anchors labelled −2. The losses of an anchor are added up.
    /// </summary>
    public static (float[] Losses, float[] Gradient) Focal(
        float[] logits, int classes, int[] labels, float[] weights, double alpha, double gamma)
    {
        var (losses, gradient) = (new float[labels.Length], new float[logits.Length]);
        for (var anchor = 0; anchor < labels.Length; anchor++)
        {
            if (labels[anchor] == -2)
                continue;
            double sum = 0;
            for (var k = 0; k < classes; k++)
            {
                var isYes = k == labels[anchor];
                double z = isYes ? logits[anchor * classes + k] : -logits[anchor * classes + k];
                double p = 1 / (1 + Math.Exp(-z)), q = 1 / (1 + Math.Exp(z));
                var factor = weights[anchor] * (isYes ? alpha : 1 - alpha) * Math.Pow(q, gamma);
                sum += factor * -Math.Log(p);
                var slope = factor * (gamma * p * Math.Log(p) - q);
                gradient[anchor * classes + k] = (float)(isYes ? slope : -slope);
            }
            losses[anchor] = (float)sum;
        }
        return (losses, gradient);
    }

    /// <summary>
    /// scale · (−t · log p − (1 − t) · log(1 − p)) with p = sigmoid(in[d, y, x, class of d]), the pixels in the mask head's quartets; 0 for
    /// RoIs with a negative class.
    /// </summary>
    public static (float[] Losses, float[] Gradient) Mask(
        float[] logits, int side, int classes, int[] classIds, float[] targets, double scale)
    {
        var (losses, gradient) = (new float[targets.Length], new float[logits.Length]);
        foreach (var (d, y, x, _) in new Shape4(classIds.Length, 2 * side, 2 * side, 1).Elements())
        {
            if (classIds[d] < 0)
                continue;
            var pixel = ((d * side + y / 2) * side + x / 2) * 4 + y % 2 * 2 + x % 2;
            var at = pixel * classes + classIds[d];
            var target = targets[(d * 2 * side + y) * 2 * side + x];
            double p = 1 / (1 + Math.Exp(-logits[at])), q = 1 / (1 + Math.Exp(logits[at]));
            losses[pixel] = (float)(scale * (-target * Math.Log(p) - (1 - target) * Math.Log(q)));
            gradient[at] = (float)(scale * (p - target));
        }
        return (losses, gradient);
    }
}
