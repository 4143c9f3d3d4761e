#pragma once
// A certificate of "localhost" that signs itself, made for one test.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace burnish::server::testing {

/// Two PEM files that are removed with it.
class Certificate {
 public:
  explicit Certificate(const std::string& name) : path_(::testing::TempDir() + name + std::to_string(getpid())) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
    fill(*x509, *key);
    write(certificate_file(), [&](FILE* file) { return PEM_write_X509(file, x509.get()); });
    write(key_file(),
          [&](FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  ~Certificate() {
    std::filesystem::remove(certificate_file());
    std::filesystem::remove(key_file());
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string certificate_file() const { return path_ + ".certificate.pem"; }
  std::string key_file() const { return path_ + ".key.pem"; }
  /// The certificate's text.
  std::string pem() const {
    std::ifstream file(certificate_file());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  static void fill(X509& x509, EVP_PKEY& key) {
    X509_set_version(&x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(&x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(&x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(&x509), 3600);
    X509_set_pubkey(&x509, &key);
    X509_NAME* name = X509_get_subject_name(&x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(&x509, name);
    for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"},
                                     std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      X509_add_ext(&x509, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(&x509, &key, EVP_sha256());
  }

  template <typename F>
  static void write(const std::string& path, F&& to) {
    const std::unique_ptr<FILE, decltype(&fclose)> file(fopen(path.c_str(), "w"), &fclose);
    EXPECT_TRUE(file && to(file.get())) << path;
  }

  std::string path_;
};

}  // namespace burnish::server::testing
