// Judges SM2 with BouncyCastle: a second opinion by code that shares nothing with ours.
//
// Reads one command a line from standard input and answers with one line: "OK ..." or "NO reason".
// Bytes are hex, files are paths without blanks, "-" stands for nothing.

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.EncryptedContentInfo;
import org.bouncycastle.asn1.cms.EnvelopedData;
import org.bouncycastle.asn1.cms.KeyTransRecipientInfo;
import org.bouncycastle.asn1.cms.RecipientInfo;
import org.bouncycastle.asn1.gm.GMNamedCurves;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.engines.SM2Engine;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithID;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.BigIntegers;
import org.bouncycastle.util.encoders.Hex;

public class BouncyCastleJudge {
    private static final String BC = "BC";
    private static final X9ECParameters CURVE = GMNamedCurves.getByName("sm2p256v1");
    private static final ECDomainParameters DOMAIN = new ECDomainParameters(CURVE);
    private static final int COORDINATE = 32;
    private static final int HASH = 32;

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        InputStreamReader input = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        BufferedReader commands = new BufferedReader(input);
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println(answer(line.split(" ")));
            System.out.flush();
        }
    }

    private static String answer(String[] words) {
        try {
            return "OK " + judge(words);
        } catch (Exception refused) {
            return "NO " + refused.toString().replace('\n', ' ');
        }
    }

    private static String judge(String[] words) throws Exception {
        switch (words[0]) {
            case "verify-raw":
                return verifyRaw(hex(words[1]), hex(words[2]), hex(words[3]), hex(words[4]));
            case "sign":
                return Hex.toHexString(sign(hex(words[1]), hex(words[2]), hex(words[3])));
            case "encrypt":
                return Hex.toHexString(encrypt(hex(words[1]), hex(words[2])));
            case "decrypt":
                return Hex.toHexString(decrypt(hex(words[1]), hex(words[2])));
            case "verify-cms":
                return verifyCms(file(words[1]), certificate(words[2]), words[3], words[4]);
            case "open-cms":
                return Hex.toHexString(openCms(file(words[1]), hex(words[2])));
            default:
                throw new IllegalArgumentException("unknown command " + words[0]);
        }
    }

    /** SM2 with SM3 over a message, the signature in DER. */
    private static String verifyRaw(byte[] point, byte[] message, byte[] identity, byte[] signature) {
        SM2Signer signer = new SM2Signer();
        signer.init(false, new ParametersWithID(publicKey(point), identity));
        signer.update(message, 0, message.length);
        require(signer.verifySignature(signature), "the signature is wrong");
        return "";
    }

    private static byte[] sign(byte[] number, byte[] message, byte[] identity) throws Exception {
        SM2Signer signer = new SM2Signer();
        CipherParameters key = new ParametersWithRandom(privateKey(number));
        signer.init(true, new ParametersWithID(key, identity));
        signer.update(message, 0, message.length);
        return signer.generateSignature();
    }

    /** SM2Cipher of GM/T 0009, written with BouncyCastle's own ASN.1. */
    private static byte[] encrypt(byte[] point, byte[] data) throws Exception {
        SM2Engine engine = new SM2Engine(new SM3Digest(), SM2Engine.Mode.C1C3C2);
        engine.init(true, new ParametersWithRandom(publicKey(point)));
        byte[] raw = engine.processBlock(data, 0, data.length);
        int check = 1 + 2 * COORDINATE;
        ASN1Encodable[] parts = {
            new ASN1Integer(new BigInteger(1, slice(raw, 1, COORDINATE))),
            new ASN1Integer(new BigInteger(1, slice(raw, 1 + COORDINATE, COORDINATE))),
            new DEROctetString(slice(raw, check, HASH)),
            new DEROctetString(slice(raw, check + HASH, raw.length - check - HASH)),
        };
        return new DERSequence(parts).getEncoded(ASN1Encoding.DER);
    }

    private static byte[] decrypt(byte[] number, byte[] cipher) throws Exception {
        ASN1Sequence parts = ASN1Sequence.getInstance(ASN1Primitive.fromByteArray(cipher));
        require(parts.size() == 4, "not an SM2Cipher");
        BigInteger x = ASN1Integer.getInstance(parts.getObjectAt(0)).getValue();
        BigInteger y = ASN1Integer.getInstance(parts.getObjectAt(1)).getValue();
        byte[] check = ASN1OctetString.getInstance(parts.getObjectAt(2)).getOctets();
        byte[] text = ASN1OctetString.getInstance(parts.getObjectAt(3)).getOctets();
        byte[] raw = new byte[1 + 2 * COORDINATE + check.length + text.length];
        raw[0] = 4;
        System.arraycopy(BigIntegers.asUnsignedByteArray(COORDINATE, x), 0, raw, 1, COORDINATE);
        System.arraycopy(BigIntegers.asUnsignedByteArray(COORDINATE, y), 0, raw, 1 + COORDINATE, COORDINATE);
        System.arraycopy(check, 0, raw, 1 + 2 * COORDINATE, check.length);
        System.arraycopy(text, 0, raw, 1 + 2 * COORDINATE + check.length, text.length);
        SM2Engine engine = new SM2Engine(new SM3Digest(), SM2Engine.Mode.C1C3C2);
        engine.init(false, privateKey(number));
        return engine.processBlock(raw, 0, raw.length);
    }

    /**
     * Every signature of a SignedData (RFC 5652, GM/T 0010), each with a certificate that it carries and
     * that leads to the trusted one. Answers the digest and signature algorithm of the first signer.
     */
    private static String verifyCms(byte[] data, X509Certificate trusted, String content, String time)
            throws Exception {
        CMSSignedData signed = content.equals("-")
                ? new CMSSignedData(data)
                : new CMSSignedData(new CMSProcessableByteArray(file(content)), data);
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        require(!signers.isEmpty(), "nobody signed");
        for (SignerInformation signer : signers) {
            X509Certificate certificate = signerOf(signed, signer);
            JcaSimpleSignerInfoVerifierBuilder builder = new JcaSimpleSignerInfoVerifierBuilder();
            PublicKey key = certificate.getPublicKey();
            require(signer.verify(builder.setProvider(BC).build(key)), "the signature is wrong");
            chain(signed, certificate, trusted, time);
        }
        SignerInformation first = signers.iterator().next();
        return first.getDigestAlgOID() + " " + first.getEncryptionAlgOID();
    }

    @SuppressWarnings("unchecked")
    private static X509Certificate signerOf(CMSSignedData signed, SignerInformation signer) throws Exception {
        Collection<X509CertificateHolder> found = signed.getCertificates().getMatches(signer.getSID());
        require(found.size() == 1, "no certificate of the signer inside");
        return parse(found.iterator().next());
    }

    private static void chain(CMSSignedData signed, X509Certificate leaf, X509Certificate trusted, String time)
            throws Exception {
        List<X509Certificate> inside = new ArrayList<>();
        for (X509CertificateHolder holder : signed.getCertificates().getMatches(null)) {
            inside.add(parse(holder));
        }
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(leaf);
        PKIXBuilderParameters rules =
                new PKIXBuilderParameters(Set.of(new TrustAnchor(trusted, null)), target);
        rules.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(inside)));
        rules.setRevocationEnabled(false);
        if (!time.equals("-")) {
            rules.setDate(new Date(Long.parseLong(time) * 1000));
        }
        CertPathBuilder.getInstance("PKIX", BC).build(rules);
    }

    /** The content of an EnvelopedData with SM2 and SM4-CBC; takes the recipient that the number opens. */
    private static byte[] openCms(byte[] data, byte[] number) throws Exception {
        ContentInfo info = ContentInfo.getInstance(ASN1Primitive.fromByteArray(data));
        EnvelopedData enveloped = EnvelopedData.getInstance(info.getContent());
        EncryptedContentInfo content = enveloped.getEncryptedContentInfo();
        AlgorithmIdentifier algorithm = content.getContentEncryptionAlgorithm();
        require(algorithm.getAlgorithm().equals(GMObjectIdentifiers.sms4_cbc), "not SM4-CBC");
        byte[] key = contentKey(enveloped.getRecipientInfos(), number);
        byte[] vector = ASN1OctetString.getInstance(algorithm.getParameters()).getOctets();
        Cipher cipher = Cipher.getInstance("SM4/CBC/PKCS7Padding", BC);
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "SM4"), new IvParameterSpec(vector));
        return cipher.doFinal(content.getEncryptedContent().getOctets());
    }

    private static byte[] contentKey(ASN1Set recipients, byte[] number) throws Exception {
        Exception last = new IllegalArgumentException("no recipient");
        for (ASN1Encodable one : recipients) {
            KeyTransRecipientInfo info =
                    KeyTransRecipientInfo.getInstance(RecipientInfo.getInstance(one).getInfo());
            try {
                return decrypt(number, info.getEncryptedKey().getOctets());
            } catch (Exception notThisOne) {
                last = notThisOne;
            }
        }
        throw last;
    }

    private static X509Certificate parse(X509CertificateHolder holder) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", BC);
        InputStream input = new java.io.ByteArrayInputStream(holder.getEncoded());
        return (X509Certificate) factory.generateCertificate(input);
    }

    private static X509Certificate certificate(String path) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", BC);
        try (InputStream input = Files.newInputStream(Path.of(path))) {
            return (X509Certificate) factory.generateCertificate(input);
        }
    }

    private static ECPublicKeyParameters publicKey(byte[] point) {
        return new ECPublicKeyParameters(CURVE.getCurve().decodePoint(point), DOMAIN);
    }

    private static ECPrivateKeyParameters privateKey(byte[] number) {
        return new ECPrivateKeyParameters(new BigInteger(1, number), DOMAIN);
    }

    private static void require(boolean right, String otherwise) {
        if (!right) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private static byte[] slice(byte[] data, int start, int length) {
        return java.util.Arrays.copyOfRange(data, start, start + length);
    }

    private static byte[] hex(String text) {
        return text.equals("-") ? new byte[0] : Hex.decode(text);
    }

    private static byte[] file(String path) throws Exception {
        return Files.readAllBytes(Path.of(path));
    }
}
